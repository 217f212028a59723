// A process of many clients, each another user, that stay connected and say nothing: `nat-clients URL COUNT NETWORK`. Prints a
// line of JSON a second: how many are online, and how often one lost its connection.
import { HawserClient } from "../../../client/index.ts";

const [url, count, network] = process.argv.slice(2) as [string, string, string];
let losses = 0;
const clients = Array.from({ length: Number(count) }, (_, i) => new HawserClient({ url, token: `dev:behind-nat-${i}`, network }));
for (const client of clients) {
  client.on("state", ({ state }) => {
    if (state === "offline") losses++;
  });
  void client.connect().catch((error: Error) => console.error(error.message));
}
setInterval(() => console.log(JSON.stringify({ online: clients.filter(({ state }) => state === "online").length, losses })), 1000);
process.on("SIGTERM", () => process.exit(0));

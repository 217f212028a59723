// A process that sends one message and leaves: `say-hello URL TOKEN PEER`. Exit code 0 when it was acknowledged.
import { HawserClient } from "../../../client/index.ts";

const [url, token, peer] = process.argv.slice(2) as [string, string, string];
const client = new HawserClient({ url, token });
client.on("state", ({ state, reason }) => {
  if (reason !== undefined) console.error(`${state}: ${reason.message}`);
});
setTimeout(() => process.exit(2), 20_000).unref();
await client.connect();
await client.send(peer, `hello by ${new URL(url).protocol.slice(0, -1)}`);
await client.close();

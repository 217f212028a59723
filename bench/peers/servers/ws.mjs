// The least that relays messages over the `ws` library: users by name, groups as sets of connections. The protocol is that
// of bench/peers/protocol/raw.ts. Prints its port; ends with its standard input.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const LOGIN = 1;
const READY = Buffer.from([2]);
const SEND = 3;
const PUBLISH = 4;
const DELIVERED = 5;
const JOIN = 6;

const users = new Map();
const groups = new Map();

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
server.on("connection", (socket) => {
  let user = "";
  let group = "";
  socket.on("error", () => {});
  socket.on("message", (message) => {
    const kind = message[0];
    const end = 2 + message[1];
    const name = message.latin1Slice(2, end);
    switch (kind) {
      case SEND:
        users.get(name)?.send(delivered(user, message, end));
        break;
      case PUBLISH: {
        const whole = delivered(user, message, end);
        for (const member of groups.get(name) ?? []) if (member !== socket) member.send(whole);
        break;
      }
      case LOGIN:
        user = name;
        users.set(name, socket);
        socket.send(READY);
        break;
      case JOIN:
        group = name;
        if (!groups.has(name)) groups.set(name, new Set());
        groups.get(name).add(socket);
        break;
    }
  });
  socket.on("close", () => {
    if (users.get(user) === socket) users.delete(user);
    groups.get(group)?.delete(socket);
  });
});

/** A message as the receiver gets it: from whom, and the text. */
function delivered(from, message, textAt) {
  const out = Buffer.allocUnsafe(2 + from.length + message.length - textAt);
  out[0] = DELIVERED;
  out[1] = from.length;
  out.latin1Write(from, 2);
  message.copy(out, 2 + from.length, textAt);
  return out;
}

http.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1", backlog: 4096 }, () => console.log(http.address().port));
process.stdin.on("end", () => process.exit()).resume();

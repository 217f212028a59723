// The least that relays messages over uWebSockets.js: users by name, groups as topics of its own publish/subscribe. The
// protocol is that of bench/peers/protocol/raw.ts. Prints its port; ends with its standard input.
import * as uws from "uWebSockets.js";

const LOGIN = 1;
const READY = Buffer.from([2]);
const SEND = 3;
const PUBLISH = 4;
const DELIVERED = 5;
const JOIN = 6;

const users = new Map();

const app = uws.App().ws("/*", {
  compression: uws.DISABLED,
  idleTimeout: 0,
  maxPayloadLength: 64 * 1024,
  maxBackpressure: 16 * 1024 * 1024,
  open(socket) {
    socket.getUserData().user = "";
  },
  message(socket, arrayBuffer) {
    const message = Buffer.from(arrayBuffer);
    const kind = message[0];
    const end = 2 + message[1];
    const name = message.latin1Slice(2, end);
    const data = socket.getUserData();
    switch (kind) {
      case SEND:
        users.get(name)?.send(delivered(data.user, message, end), true);
        break;
      case PUBLISH:
        // Not socket.publish(): that works only for one who is subscribed to something.
        app.publish(name, delivered(data.user, message, end), true);
        break;
      case LOGIN:
        data.user = name;
        users.set(name, socket);
        socket.send(READY, true);
        break;
      case JOIN:
        socket.subscribe(name);
        break;
    }
  },
  close(socket) {
    const { user } = socket.getUserData();
    if (users.get(user) === socket) users.delete(user);
  },
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

app.listen("127.0.0.1", Number(process.argv[2] ?? 0), (listening) => {
  if (!listening) throw new Error("cannot listen");
  console.log(uws.us_socket_local_port(listening));
});
process.stdin.on("end", () => process.exit()).resume();

// A messenger in the usual way of socket.io: each user in a room of its own name, groups as rooms, an acknowledgement by
// callback. The events are those of bench/peers/protocol/socketio.ts. Prints its port; ends with its standard input.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, httpCompression: false, serveClient: false });

io.on("connection", (socket) => {
  let user = "";
  socket.on("login", (name, group, ack) => {
    user = name;
    socket.join(`u:${name}`);
    if (group !== null) socket.join(`g:${group}`);
    ack();
  });
  socket.on("message", (to, text, ack) => {
    io.to(`u:${to}`).emit("message", user, text);
    ack();
  });
  socket.on("publish", (group, text, ack) => {
    socket.to(`g:${group}`).emit("message", user, text);
    ack();
  });
});

http.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1", backlog: 4096 }, () => console.log(http.address().port));
process.stdin.on("end", () => process.exit()).resume();

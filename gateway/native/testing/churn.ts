// A process of its own for native.test.ts. `churn`: connections come, send, are written to and leave in every way on the native
// core, under a sanitizer perhaps; prints how many there were. `listen PORT`: shares a port; prints `opened N` when told to.
import { connect, type Socket } from "node:net";
import { Random } from "../../../proto/testing/random.ts";
import { listenNativeTcp } from "../../accept/native-tcp.ts";
import { FRAME_FIELDS, type TransportEvents, type TransportOptions } from "../../accept/transport.ts";

const OPTIONS: TransportOptions = {
  host: "127.0.0.1",
  port: 0,
  slotFirst: 7,
  slotsMax: 100,
  frameBytesMax: 8192,
  frameBytesLimit: 512 * 1024,
  lingerMs: 300,
  sharePort: false,
  proxyProtocol: false,
  unfinishedBytesMax: 100_000,
};

function silent(fields: Partial<TransportEvents>): TransportEvents {
  const nothing = (): void => undefined;
  return { opened: nothing, frames: nothing, idle: nothing, broken: nothing, drained: nothing, closed: nothing, ...fields };
}

async function churn(connections: number): Promise<void> {
  const random = new Random(5);
  let opened = 0;
  let closed = 0;
  let frames = 0;
  const open: number[] = [];
  const events = silent({
    opened(slot) {
      opened++;
      open.push(slot);
      if (random.chance(0.05)) transport.close(slot);
      transport.watch(slot, random.chance(0.5) ? 0 : 100);
    },
    frames(bytes, table, count) {
      frames += count;
      for (let i = 0; i < count; i++) {
        const slot = table[FRAME_FIELDS * i]!;
        const body = bytes.subarray(table[FRAME_FIELDS * i + 2]!, table[FRAME_FIELDS * i + 3]!);
        transport.write(slot, body);
        if (random.chance(0.1)) transport.writeMany(slot, [body, body, Buffer.alloc(random.below(100_000))], 3);
        if (random.chance(0.03)) transport.close(slot, Buffer.alloc(random.below(50)));
        if (random.chance(0.05)) {
          transport.pause(slot);
          // Maybe its successor by then, which does not mind.
          setTimeout(() => transport.resume(slot), 20);
        }
        if (random.chance(0.05)) transport.setFrameLimit(slot, 512 * 1024);
        transport.quietMs(slot);
        transport.roundTripMs(slot);
        transport.bufferedBytes(slot);
      }
    },
    idle: (slot) => transport.close(slot),
    broken: (slot) => transport.close(slot, Buffer.of(1, 2, 3)),
    closed(slot) {
      closed++;
      open.splice(open.indexOf(slot), 1);
    },
  });
  const transport = await listenNativeTcp(OPTIONS, events);
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const socket: Socket = connect(transport.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.on("close", () => resolve());
      if (random.chance(0.5)) socket.resume();
      for (let i = random.below(10); i > 0; i--) {
        const body = random.bytes(random.chance(0.9) ? random.below(127) + 1 : 127);
        body[0] = 1 + random.below(31);
        socket.write(Buffer.concat([Buffer.of(body.length), body, Buffer.alloc(random.below(3))]));
      }
      if (random.chance(0.1)) socket.write(random.bytes(50));
      if (random.chance(0.1)) socket.write(Buffer.concat([Buffer.of(0x80, 0x30, 5), Buffer.alloc(5000)]));
      const end = random.below(3);
      setTimeout(() => (end === 0 ? socket.resetAndDestroy() : end === 1 ? socket.destroy() : socket.end().resume()), random.below(60));
    });
  for (let done = 0; done < connections; done += 50) await Promise.all(Array.from({ length: 50 }, one));
  const last = Array.from({ length: 20 }, () => connect(transport.port, "127.0.0.1").on("error", () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await transport.stop();
  for (const socket of last) socket.destroy();
  console.log(JSON.stringify({ opened, closed, frames, open: transport.openCount }));
}

async function share(port: number): Promise<void> {
  let opened = 0;
  const transport = await listenNativeTcp({ ...OPTIONS, port, sharePort: true, slotsMax: 1000 }, silent({ opened: () => opened++ }));
  process.on("message", () => process.send!(opened));
  process.on("disconnect", () => void transport.stop());
  process.send!("listening");
}

const [what, argument] = process.argv.slice(2);
if (what === "churn") await churn(Number(argument));
else await share(Number(argument));

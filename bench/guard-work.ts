// The work whose allocations and instructions the guard counts, each to be run in a process of its own (child.ts). Messages are
// the built-in ones, so that every machine does the same.
import { type Allocations, allocationsOf } from "./allocations.ts";
import { DownWay, UpWay } from "./micro/codec.ts";
import { SendTraffic } from "./micro/shard.ts";
import { fixedSamples } from "./samples.ts";

const SAMPLES = 2000;
/** Sends in an Up batch: a gateway under some load. */
const BATCH = 64;
/** Long enough for the compiler to be done. */
const WARM_UP = 200_000;
const WARM_LOGIC = 50_000;
/** Sends between two collections; what they allocate together fits the young generation. */
const COUNTED_UP = 20_480;
const COUNTED_LOGIC = 8192;

export async function gatewayUpAllocations(): Promise<Allocations> {
  const way = new UpWay(fixedSamples(SAMPLES));
  await way.start();
  way.run(WARM_UP);
  return allocationsOf(COUNTED_UP, (count) => way.run(count));
}

export async function gatewayDownAllocations(): Promise<Allocations> {
  const way = new DownWay(fixedSamples(SAMPLES));
  await way.start();
  for (let done = 0; done < WARM_UP; done += COUNTED_UP) {
    way.prepare(COUNTED_UP);
    way.run();
  }
  return allocationsOf(
    COUNTED_UP,
    () => way.run(),
    (count) => way.prepare(count),
  );
}

export async function logicSendAllocations(): Promise<Allocations> {
  const traffic = await logicTraffic(WARM_LOGIC);
  return allocationsOf(
    COUNTED_LOGIC,
    () => traffic.receive(),
    (count) => traffic.prepare(count),
  );
}

/** Bytes on NATS for each Send: up, and down with its ack and its push. */
export async function fabricBytes(): Promise<{ up: number; down: number }> {
  const way = new UpWay(fixedSamples(SAMPLES));
  await way.start();
  const traffic = await logicTraffic(COUNTED_LOGIC);
  return { up: way.bytesPerSend(), down: traffic.downBytesPerSend };
}

export async function gatewayUpWork(count: number): Promise<number> {
  const way = new UpWay(fixedSamples(SAMPLES));
  await way.start();
  return way.run(count);
}

export async function logicSendWork(count: number): Promise<number> {
  const traffic = await logicTraffic(count);
  return traffic.downBytesPerSend;
}

async function logicTraffic(count: number): Promise<SendTraffic> {
  const traffic = new SendTraffic(
    fixedSamples(SAMPLES).map(({ row }) => row.payload),
    BATCH,
  );
  await traffic.start();
  for (let done = 0; done < count; done += 1024) {
    traffic.prepare(1024);
    await traffic.receive();
  }
  return traffic;
}

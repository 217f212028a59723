// So many reads at a time, in order, all of them in the end, whatever some of them do.
import t from "tap";
import { ReadQueue } from "./read-queue.ts";

t.test("reads beyond the limit wait in order, and every one is run", async (t) => {
  const failures: unknown[] = [];
  const queue = new ReadQueue((error) => failures.push(error));
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  let most = 0;
  let under = 0;
  const count = 6000;
  for (let i = 0; i < count; i++) {
    queue.answer(async () => {
      begun.push(i);
      most = Math.max(most, ++under);
      await new Promise<void>((resolve) => ends.push(resolve));
      under--;
      if (i % 1000 === 7) throw new Error(`read ${i}`);
    });
  }
  t.equal(begun.length, 128);
  t.equal(queue.waitingCount, count - 128);
  t.notOk(queue.hasRoomFor(0), "clients are told to come back");
  // In any order but that of their begin.
  for (let i = 0; begun.length < count || ends.length > 0; i++) {
    const [end] = ends.splice((i * 31) % Math.max(1, ends.length), 1);
    end?.();
    await Promise.resolve();
    await new Promise<void>((resolve) => (i % 64 === 0 ? setImmediate(resolve) : resolve()));
  }
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(
    begun,
    Array.from({ length: count }, (_, i) => i),
  );
  t.equal(most, 128);
  t.equal(failures.length, 6, "failures are told, and do not hold up the others");
  t.ok(queue.hasRoomFor(255));
});

t.test("few sessions cannot fill it, and loads wait for no answers", async (t) => {
  const queue = new ReadQueue((error) => t.fail(String(error)));
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const read = (what: string) => () => {
    begun.push(what);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  // Sixteen sessions ask for as much as each may have under way.
  const underWay = new Array<number>(16).fill(0);
  for (let i = 0; i < 256; i++) {
    for (let session = 0; session < underWay.length; session++) {
      if (!queue.hasRoomFor(underWay[session]!)) continue;
      underWay[session]!++;
      queue.answer(read("answer"));
    }
  }
  t.equal(queue.waitingCount, 2048, "half of the room");
  t.notOk(queue.hasRoomFor(underWay[0]!), "is all that they get");
  t.ok(queue.hasRoomFor(0), "others still get their answers");
  for (let i = 0; i < 8; i++) queue.load(read("load"));
  begun.length = 0;
  for (const end of ends.splice(0, 12)) end();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(begun.filter((what) => what === "load").length, 8, "loads pass by the thousands of answers");
  t.ok(begun.slice(0, 11).includes("answer"), "but do not keep them waiting altogether");
});

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
    queue.run(async () => {
      begun.push(i);
      most = Math.max(most, ++under);
      await new Promise<void>((resolve) => ends.push(resolve));
      under--;
      if (i % 1000 === 7) throw new Error(`read ${i}`);
    });
  }
  t.equal(begun.length, 128);
  t.equal(queue.waitingCount, count - 128);
  t.notOk(queue.hasRoom, "clients are told to come back");
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
  t.ok(queue.hasRoom);
});

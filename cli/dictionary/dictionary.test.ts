// Training: what may stand in a dictionary, and that it helps.
import { hash } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import { savingOf } from "./saving.ts";
import { SEQUENCE_BYTES, trainDictionary, type TrainingMessage } from "./train.ts";

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const words = ["see you at eight", "then", "at the usual place", "I'm on my way", "tomorrow", "call me", "好的", "thank you so much", "where are you"];

/** Messages of some users who share phrases, each with secrets of its own. */
function messages(count: number): TrainingMessage[] {
  return Array.from({ length: count }, (_, i) => {
    const sender = `user-${i % 40}`;
    const secret = hash("sha256", `${sender} ${i % 5}`, "hex").slice(0, 20);
    return { sender, bytes: bytesOf(`${words[(i * 7) % 9]!} ${words[(i * 5 + 3) % 9]!} ${secret} ${words[(i * 3 + 1) % 9]!}`) };
  });
}

t.test("nothing stands in a dictionary that fewer senders wrote, however often", async (t) => {
  const all = messages(2000);
  const sendersOf = (sequence: string): number =>
    new Set(all.filter(({ bytes }) => Buffer.from(bytes).toString("latin1").includes(sequence)).map(({ sender }) => sender)).size;
  const secrets = new Set(
    all.map(
      ({ bytes }) =>
        Buffer.from(bytes)
          .toString()
          .match(/[0-9a-f]{20}/)![0],
    ),
  );
  for (const sendersMin of [2, 5]) {
    const dictionary = Buffer.from(trainDictionary(all, 600, sendersMin)).toString("latin1");
    t.ok(dictionary.length > 100 && dictionary.length <= 600, `${dictionary.length} bytes`);
    t.match(dictionary, /usual place|see you at|thank you/);
    for (const secret of secrets)
      for (let at = 0; at + SEQUENCE_BYTES <= secret.length; at++) if (dictionary.includes(secret.slice(at, at + SEQUENCE_BYTES))) t.fail(secret);
    t.equal(sendersOf("usual place"), 40);
  }
  t.match(Buffer.from(trainDictionary(all, 4000, 1)).toString(), /[0-9a-f]{12}/, "with one sender as the least, secrets would");
  t.equal(trainDictionary([{ sender: "a", bytes: bytesOf("only one wrote this, again and again") }], 512, 2).length, 0);
});

t.test("the same messages give the same dictionary, of any messages, within its bounds, of their bytes", async () => {
  const message = fc.record({
    sender: fc.constantFrom("a", "b", "c", "d"),
    bytes: fc.uint8Array({ maxLength: 80 }).map((bytes) => bytes.map((byte) => byte & 3)),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 4 }), (list, bytesMax, sendersMin) => {
      const dictionary = trainDictionary(list, bytesMax, sendersMin);
      return dictionary.length <= bytesMax && Buffer.compare(dictionary, trainDictionary(list, bytesMax, sendersMin)) === 0;
    }),
    { numRuns: 200 },
  );
});

t.test("it saves bytes on messages that it has not seen", async (t) => {
  const unseen = messages(3000)
    .slice(2500)
    .map(({ bytes }) => bytes);
  const none = savingOf(new Uint8Array(0), unseen);
  const trained = savingOf(trainDictionary(messages(2000), 1024, 3), unseen);
  t.ok(none.single > 0.9 && none.single <= 1, `${none.single}`);
  t.ok(trained.single < none.single - 0.15, `${trained.single}`);
  t.ok(trained.batch < none.batch, `${trained.batch} of ${none.batch}`);
  t.same(savingOf(new Uint8Array(0), []), { single: 1, batch: 1 });
});

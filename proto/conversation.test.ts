// Identity (SPEC.md §5), the conversation hash (§11) and the digest of Check (§8): the vectors, and what must hold
// for every id.
import { createHash } from "node:crypto";
import { sha256 as portableSha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import t from "tap";
import { HASH_START, digestBytes, digestTerm, nextHash } from "./conversation-hash.ts";
import { compareBytes, directKey, directUsers, groupKey, idBytes, idText, isId, selfKey, shardOf, userKey } from "./conversation.ts";
import { Limits } from "./limits.ts";
import { hex } from "./hex.ts";
import { checkCluster, gatewaySubject, logicSubject, ownerKey, ownersBucket } from "./subject.ts";
import { fromHex, toHex, vectors } from "./testing/project-file.ts";
import { WIRE_EPOCH_MS, fromWireTime, toWireTime } from "./time.ts";

interface KeyVector {
  name: string;
  kind: "direct" | "group" | "self" | "user";
  ids: string[];
  key: string;
  shards: Record<string, number>;
}
interface HashVector {
  name: string;
  hash_before: string;
  rows: { seq: number; sender: string; kind: number; time: number; payload: string; payload_hash: string; hash: string }[];
}
interface DigestVector {
  name: string;
  heads: { key: string; seq: number; term: string }[];
  digest: string;
  count: number;
}

/** Node's, as gateways and logic use it; a browser brings the other. */
const nodeSha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
const SHA256 = { node: nodeSha256, portable: portableSha256 };

t.test("ids: vectors", (t) => {
  const { ids } = vectors<{ ids: { name: string; id: string; valid: boolean }[] }>("keys.json");
  for (const { name, id, valid } of ids) {
    const bytes = fromHex(id);
    const text = idText(bytes);
    t.equal(text !== undefined, valid, name);
    if (text !== undefined) t.equal(toHex(idBytes(text)), id, `${name}: and back, nothing lost (a byte order mark, say)`);
  }
  t.end();
});

t.test("ids: text to bytes and back", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 70 }), (text) => {
      const length = Buffer.byteLength(text);
      if (length >= 1 && length <= Limits.idBytesMax) t.equal(idText(idBytes(text)), text);
      else t.throws(() => idBytes(text), RangeError);
    }),
    { seed: 1, numRuns: 300 },
  );
  for (const broken of ["\ud800", "a\udc00b", "\udc00\ud800"]) t.throws(() => idBytes(broken), RangeError, "half a surrogate pair would become U+FFFD");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      // Node's own check, in native code, is the judge.
      const valid = bytes.length >= 1 && bytes.length <= 64 && Buffer.from(Buffer.from(bytes).toString("utf8"), "utf8").equals(bytes);
      t.equal(idText(bytes) !== undefined, valid);
      t.equal(isId(bytes), valid);
      t.equal(isId(Buffer.concat([Buffer.from([0xff]), bytes, Buffer.from([0xff])]), 1, bytes.length + 1), valid);
    }),
    { seed: 2, numRuns: 500 },
  );
  t.end();
});

t.test("keys and shards: vectors", (t) => {
  const { keys } = vectors<{ keys: KeyVector[] }>("keys.json");
  for (const { name, kind, ids, key, shards } of keys) {
    const [a, b] = ids.map(fromHex) as [Uint8Array, Uint8Array];
    const made = { direct: () => directKey(a, b), group: () => groupKey(a), self: () => selfKey(a), user: () => userKey(a) }[kind]();
    t.equal(toHex(made), key, name);
    for (const [count, shard] of Object.entries(shards)) t.equal(shardOf(made, Number(count)), shard, `${name}: shard of ${count}`);
  }
  t.ok(keys.some(({ key, shards }) => key && 256 in shards && 1024 in shards));
  t.end();
});

t.test("keys: one for each pair whichever way round, different for different pairs, readable", (t) => {
  const id = fc.uint8Array({ minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(id, id, (a, b) => {
      const key = directKey(a, b);
      t.equal(toHex(directKey(b, a)), toHex(key));
      const [x, y] = directUsers(key);
      t.ok(compareBytes(x, y) <= 0);
      t.same([toHex(x), toHex(y)].sort(), [toHex(a), toHex(b)].sort());
      t.equal(Math.sign(compareBytes(a, b)), Math.sign(Buffer.compare(a, b)));
    }),
    { seed: 3, numRuns: 300 },
  );
  // Without lengths these would be one key.
  const text = (value: string): Uint8Array => Buffer.from(value);
  t.not(toHex(directKey(text("a"), text("bc"))), toHex(directKey(text("ab"), text("c"))));
  t.not(toHex(groupKey(text("a"))), toHex(selfKey(text("a"))));
  t.end();
});

t.test("shards: numbered users spread evenly", (t) => {
  const shards = new Uint32Array(256);
  const users = 64 * 1024;
  for (let i = 0; i < users; i++) shards[shardOf(userKey(Buffer.from(`user-${i}`)), 256)]!++;
  const mean = users / 256;
  // Chi-squared with 255 degrees of freedom stays below 330 in 999 of 1000 draws of a fair hash.
  const chi = shards.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
  t.ok(chi < 330, `chi-squared ${chi.toFixed(0)}, fullest shard ${Math.max(...shards)}, emptiest ${Math.min(...shards)}, mean ${mean}`);
  t.end();
});

for (const [name, sha256] of Object.entries(SHA256)) {
  t.test(`conversation hash: vectors, with the ${name} SHA-256`, (t) => {
    for (const { name, hash_before, rows } of vectors<{ conversations: HashVector[] }>("hashes.json").conversations) {
      let hash: Uint8Array = fromHex(hash_before);
      const kept = toHex(hash);
      for (const row of rows) {
        const payloadHash = sha256(fromHex(row.payload));
        t.equal(toHex(payloadHash), row.payload_hash);
        const next = nextHash(sha256, hash, row.seq, fromHex(row.sender), row.kind, row.time, payloadHash);
        t.equal(toHex(next), row.hash, `${name}: ${row.seq}`);
        hash = next;
      }
      t.equal(toHex(fromHex(hash_before)), kept);
    }
    t.equal(toHex(HASH_START), "00".repeat(32), "the start is untouched");
    t.end();
  });

  t.test(`digests: vectors, with the ${name} SHA-256`, (t) => {
    for (const { name, heads, digest, count } of vectors<{ digests: DigestVector[] }>("digests.json").digests) {
      let sum = 0n;
      for (const { key, seq, term } of heads) {
        const one = digestTerm(sha256, fromHex(key), seq);
        t.equal(one.toString(16).padStart(16, "0"), term, `${name}: term`);
        sum += one;
      }
      t.equal(toHex(digestBytes(sum)), digest, name);
      t.equal(count, heads.length);
    }
    t.end();
  });
}

t.test("conversation hash: every field counts", (t) => {
  const base = { previous: new Uint8Array(32), seq: 1, sender: Buffer.from("alice"), kind: 0, time: 5, payload: nodeSha256(Buffer.from("hi")) };
  const hash = (row: typeof base): string => toHex(nextHash(nodeSha256, row.previous, row.seq, row.sender, row.kind, row.time, row.payload));
  const hashes = [
    base,
    { ...base, previous: new Uint8Array(32).fill(1) },
    { ...base, seq: 2 },
    { ...base, seq: 1 + 2 ** 32 },
    { ...base, sender: Buffer.from("alicf") },
    { ...base, sender: Buffer.from("alic") },
    { ...base, kind: 1 },
    { ...base, kind: 2 ** 31 },
    { ...base, time: 6 },
    { ...base, time: 5 + 2 ** 40 },
    { ...base, payload: nodeSha256(Buffer.from("ho")) },
  ].map(hash);
  t.equal(new Set(hashes).size, hashes.length);
  // The scratch behind it keeps nothing of a longer sender.
  nextHash(nodeSha256, base.previous, 9, Buffer.alloc(64, 120), 9, 9, base.payload);
  t.equal(hash(base), hashes[0]);
  t.end();
});

t.test("a digest wraps at 2^64, and terms can be taken out again", (t) => {
  const a = digestTerm(nodeSha256, groupKey(Buffer.from("a")), 1);
  const b = digestTerm(nodeSha256, groupKey(Buffer.from("b")), 1);
  t.equal(toHex(digestBytes(a + b - a)), toHex(digestBytes(b)));
  t.equal(toHex(digestBytes(-1n)), "ff".repeat(8));
  t.equal(toHex(digestBytes(2n ** 64n)), "00".repeat(8));
  t.end();
});

t.test("wire time and hex", (t) => {
  t.equal(WIRE_EPOCH_MS, 1735689600000);
  t.equal(toWireTime(Date.UTC(2025, 0, 1)), 0);
  t.equal(toWireTime(0), 0, "before 2025 counts as 0");
  t.equal(toWireTime(WIRE_EPOCH_MS + 1.9), 1, "whole milliseconds");
  t.equal(fromWireTime(toWireTime(1_800_000_000_123)), 1_800_000_000_123);
  t.equal(hex(Uint8Array.of(0, 10, 255)), "000aff");
  t.end();
});

t.test("subjects: one token each for cluster and process, and none that a wildcard could be hidden in", (t) => {
  const incarnation = Uint8Array.of(0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff);
  t.equal(gatewaySubject("test", incarnation), "hawser.test.gateway.00010203fcfdfeff");
  t.equal(logicSubject("test", incarnation), "hawser.test.logic.00010203fcfdfeff");
  t.equal(ownersBucket("test"), "hawser-test-owners");
  t.equal(ownerKey(0, 255), "shards.0-255");
  for (const good of ["a", "Prod_2-eu", "x".repeat(32)]) t.equal(checkCluster(good), good);
  for (const bad of ["", "a.b", "*", ">", "a b", "a\n", "é", "x".repeat(33)]) t.throws(() => checkCluster(bad), RangeError, JSON.stringify(bad));
  t.end();
});

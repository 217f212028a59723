// Writes the vectors in this folder: `node proto/vectors/generate.mjs`. Everything here is computed from
// SPEC.md alone with encoders of its own and imports none of the project's code, so that the tests compare
// two readings of one page instead of a program with itself.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { constants, deflateRawSync } from "node:zlib";

const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.of(part) : typeof part === "string" ? Buffer.from(part, "utf8") : part)));
const hex = (buffer) => buffer.toString("hex");
const sha256 = (buffer) => createHash("sha256").update(buffer).digest();
const big64 = (n) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(n));
  return buffer;
};
const big32 = (n) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(n);
  return buffer;
};

// ---- frames.json ------------------------------------------------------------------------------------

function varint(n) {
  let rest = BigInt(n);
  const out = [];
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...out, Number(rest)]);
}

const TYPES = { Hello: 1, Welcome: 2, Error: 3, GoAway: 4, Send: 5, Sent: 6, Push: 7, Sync: 8, Heads: 9, Fetch: 10, Page: 11, Check: 12, Checked: 13, Read: 14, Resync: 15, Heartbeat: 17, Dictionary: 18 };
const BATCH = 0x20;
const COMPRESSED = 0x40;
const RESERVED = 0x80;
const frame = (header, body = "") => bytes(varint(bytes(body).length + 1), header, body);
const batch = (...members) => bytes(...members.map((member) => bytes(varint(bytes(member).length), member)));

/** What a reader hands out. A plain frame has one body, a batch one or more. */
const one = (type, body = "") => ({ type, bodies: [typeof body === "string" ? hex(bytes(body)) : hex(body)] });
const many = (type, ...bodies) => ({ type, batch: true, bodies: bodies.map((body) => hex(bytes(body))) });
const BEAT = { beat: true };

const LIMIT = 512 * 1024;
const EARLY = 8 * 1024;
const found = (name, stream, frames, more = {}) => ({ name, stream: typeof stream === "string" ? stream : hex(stream), limit: LIMIT, frames, ...more });
const unfinished = (name, stream, frames, rest, more = {}) => found(name, stream, frames, { unfinished: rest, ...more });
const refused = (name, stream, frames, error, more = {}) => found(name, stream, frames, { error, ...more });

const sent = bytes(0x08, 0x01, 0x10, 0x07);
const frames = [
  found("nothing", "", []),
  found("a beat", "00", [BEAT]),
  found("three beats", "000000", [BEAT, BEAT, BEAT]),
  found("a frame without a body (Resync has no fields)", frame(15), [one(15)]),
  found("a frame with a body", frame(6, sent), [one(6, sent)]),
  found("a beat between two frames", bytes(frame(6, sent), 0, frame(15)), [one(6, sent), BEAT, one(15)]),
  found("bodies are not looked into", frame(5, bytes(0xff, 0xff, 0x00, 0x80)), [one(5, bytes(0xff, 0xff, 0x00, 0x80))]),
  found("an unknown and a private type are frames like others", bytes(frame(23, "x"), frame(24, "y"), frame(31)), [one(23, "x"), one(24, "y"), one(31)]),
  found("length 127, the largest of one byte", `7f05 ${"61"}*126`, [{ type: 5, bodies: ["61*126"] }]),
  found("length 128, the smallest of two bytes", "800105 61*127", [{ type: 5, bodies: ["61*127"] }]),
  found("length 16383, the largest of two bytes", "ff7f05 61*16382", [{ type: 5, bodies: ["61*16382"] }]),
  found("length 16384, the smallest of three bytes", "80800105 61*16383", [{ type: 5, bodies: ["61*16383"] }]),
  found("length 524288, the limit after Welcome", "80802005 61*524287", [{ type: 5, bodies: ["61*524287"] }]),
  found("length 8192, the limit before Welcome", "804005 61*8191", [{ type: 5, bodies: ["61*8191"] }], { limit: EARLY }),
  found("length 2097152, the smallest of four bytes, where a server allows it", "8080800105 61*2097151", [{ type: 5, bodies: ["61*2097151"] }], { limit: 2 ** 28 - 1 }),

  unfinished("one byte of a length of two", "80", [], 1),
  unfinished("three bytes of a length of four", "808080", [], 3),
  unfinished("a length and nothing behind it", "05", [], 1),
  unfinished("a header without its body", "0505", [], 2),
  unfinished("a body that lacks its last byte", frame(6, sent).subarray(0, 5), [], 5),
  unfinished("a whole frame, then a part of the next", bytes(frame(15), frame(6, sent).subarray(0, 3)), [one(15)], 3),
  unfinished("length 524288 announced, two bytes sent", "8080200561", [], 5),
  unfinished("length 268435455, the largest there is, where a server allows it", "ffffff7f05", [], 5, { limit: 2 ** 28 - 1 }),

  refused("length 0 in two bytes", "8000", [], "BAD_FRAME"),
  refused("length 5 in two bytes", "8500050102030400", [], "BAD_FRAME"),
  refused("length 5 in three bytes", "858000050102030400", [], "BAD_FRAME"),
  refused("length 5 in four bytes", "85808000050102030400", [], "BAD_FRAME"),
  refused("length 127 in four bytes", "ff808000", [], "BAD_FRAME"),
  refused("a length of five bytes", "8080808001", [], "BAD_FRAME"),
  refused("four bytes that announce a fifth are enough to refuse", "ffffffff", [], "BAD_FRAME"),
  refused("a length of 4 GiB - 1", "ffffffff0f", [], "BAD_FRAME"),
  refused("a length of ten bytes", "ffffffffffffffffff01", [], "BAD_FRAME"),
  refused("length 524289, above the limit, refused before any of it came", "818020", [], "FRAME_TOO_LARGE"),
  refused("length 8193 before Welcome", "8140", [], "FRAME_TOO_LARGE", { limit: EARLY }),
  refused("length 268435455, the largest that four bytes hold", "ffffff7f", [], "FRAME_TOO_LARGE"),
  refused("too large behind good frames", bytes(frame(15), 0, bytes(0x81, 0x80, 0x20)), [one(15), BEAT], "FRAME_TOO_LARGE"),
  refused("type 0", "0100", [], "BAD_FRAME"),
  refused("type 0 with the batch bit", frame(BATCH, batch("a")), [], "BAD_FRAME"),
  refused("reserved bit", frame(RESERVED | 5, "a"), [], "BAD_FRAME"),
  refused("reserved bit behind a good frame; nothing after it is read", bytes(frame(15), frame(RESERVED | 15), frame(15)), [one(15)], "BAD_FRAME"),
  refused("compressed bit, with the codec CODEC_NONE", frame(COMPRESSED | 5, bytes(1, 0x61)), [], "BAD_FRAME"),
  refused("compressed batch, with the codec CODEC_NONE", frame(COMPRESSED | BATCH | 5, bytes(2, 1, 0x61)), [], "BAD_FRAME"),
  refused("an HTTP request", Buffer.from("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n" + "x".repeat(64)), [], "BAD_FRAME"),

  found("a batch of one", frame(BATCH | 6, batch(sent)), [many(6, sent)]),
  found("a batch of three", frame(BATCH | 5, batch("a", "bc", "def")), [many(5, "a", "bc", "def")]),
  found("an empty message is a message", frame(BATCH | 15, batch("", "", "")), [many(15, "", "", "")]),
  found("empty messages between others", frame(BATCH | 5, batch("", "a", "", "b", "")), [many(5, "", "a", "", "b", "")]),
  found("a message of 200 bytes in a batch, its length in two bytes", frame(BATCH | 5, batch("a", "b".repeat(200))), [many(5, "a", "b".repeat(200))]),
  found("a batch, a beat, a frame", bytes(frame(BATCH | 5, batch("a", "b")), 0, frame(5, "c")), [many(5, "a", "b"), BEAT, one(5, "c")]),
  refused("a batch of nothing", frame(BATCH | 5), [], "BAD_FRAME"),
  refused("a batch whose last message goes beyond the frame", frame(BATCH | 5, bytes(1, "a", 2, "b")), [], "BAD_FRAME"),
  refused("the same, though the next frame has the bytes", bytes(frame(BATCH | 5, bytes(2, "a")), frame(15)), [], "BAD_FRAME"),
  refused("a batch that ends within a length", frame(BATCH | 5, bytes(1, "a", 0x80)), [], "BAD_FRAME"),
  refused("a batch with a length that is not minimal", frame(BATCH | 5, bytes(0x81, 0x00, "a")), [], "BAD_FRAME"),
  refused("a batch with a length of five bytes", frame(BATCH | 5, bytes(0x81, 0x80, 0x80, 0x80, 0x00, "a")), [], "BAD_FRAME"),
  refused("a batch with a length of 256 MiB", frame(BATCH | 5, bytes(0xff, 0xff, 0xff, 0x7f, "a")), [], "BAD_FRAME"),
  refused("a bad batch behind a good frame: all or nothing of a batch", bytes(frame(15), frame(BATCH | 5, bytes(1, "a", 9, "b"))), [one(15)], "BAD_FRAME"),
];

// ---- messages.json ----------------------------------------------------------------------------------

const number = (at) => (value) => bytes(varint(at * 8), varint(value));
const blob = (at) => (value) => bytes(varint(at * 8 + 2), varint(Buffer.from(value, "hex").length), Buffer.from(value, "hex"));
const blobs = (at) => (values) => bytes(...values.map((value) => blob(at)(value)));
const text = (at) => (value) => bytes(varint(at * 8 + 2), varint(Buffer.byteLength(value)), value);
const flag = (at) => (value) => bytes(varint(at * 8), value ? 1 : 0);
const packed = (at) => (values) => bytes(varint(at * 8 + 2), varint(bytes(...values.map(varint)).length), ...values.map(varint));
const nested = (at, name) => (values) => bytes(...values.map((value) => bytes(varint(at * 8 + 2), varint(encode(name, value).length), encode(name, value))));

const NAMED = { peer: blob(1), group: blob(2), self: flag(3) };
const FIELDS = {
  Hello: {
    version_min: number(1),
    version_max: number(2),
    token: text(3),
    device: blob(4),
    install: blob(5),
    connection: number(6),
    sync: flag(7),
    watermark: blob(8),
    codecs: packed(9),
    network: text(10),
    frame_bytes_max: number(11),
    dictionaries: blobs(12),
    lost_after_ms: number(13),
  },
  Welcome: {
    version: number(1),
    session: blob(2),
    heartbeat_ms: number(3),
    frame_bytes_max: number(4),
    payload_bytes_max: number(5),
    codec: number(6),
    server_time: number(7),
    user: blob(8),
    sends_per_second: number(9),
    requests_in_flight_max: number(10),
    dictionary: blob(11),
    dictionary_wanted: blob(12),
  },
  Error: { code: number(1), ref: number(2), retry_after_ms: number(3), closes: flag(4), expected: number(5), detail: text(6) },
  GoAway: { reason: number(1), reconnect_after_ms: number(2), target: text(3) },
  Send: { ...NAMED, client_seq: number(4), kind: number(5), payload: blob(6) },
  Sent: { ref: number(1), seq: number(2), time: number(3), durability: number(4) },
  Push: {
    from: blob(1),
    group: blob(2),
    to: blob(3),
    seq: number(4),
    time: number(5),
    kind: number(6),
    payload: blob(7),
    install: blob(8),
    client_seq: number(9),
    uncounted: number(10),
    self: flag(11),
  },
  Sync: { watermark: blob(1) },
  Head: { ...NAMED, seq: number(4), hash: blob(5), time: number(6), uncounted: number(7), read_seq: number(8) },
  Heads: { ref: number(1), heads: nested(2, "Head"), watermark: blob(3), more: flag(4) },
  Fetch: { ...NAMED, from_seq: number(4), backward: flag(5), limit: number(6) },
  Page: { ...NAMED, ref: number(4), rows: nested(5, "Push"), hash_before: blob(6), head_seq: number(7), more: flag(8) },
  Check: { digest: blob(1), count: number(2) },
  Checked: { ref: number(1) },
  Read: { ...NAMED, seq: number(4) },
  Resync: {},
  Heartbeat: { heartbeat_ms: number(1) },
  Dictionary: { id: blob(1), ref: number(2), bytes: blob(3) },
};
function encode(name, fields) {
  return bytes(...Object.entries(fields).map(([key, value]) => FIELDS[name][key](value)));
}

const ascii = (value) => hex(Buffer.from(value));
const install = "0123456789abcdef";
const watermark = "00010203fffefd";
const hash = hex(sha256("a hash"));
const time = 46_828_800_123; // 2026-06-27T00:00:00.123Z
const big = 2 ** 53 - 1;
const head = { peer: ascii("bob"), seq: 42, hash, time, uncounted: 3, read_seq: 40 };
const full = {
  Hello: {
    version_min: 1,
    version_max: 1,
    token: "dev:alice",
    device: ascii("phone"),
    install,
    connection: 7,
    sync: true,
    watermark,
    codecs: [0, 300],
    network: "wifi ☕",
    frame_bytes_max: 65536,
    dictionaries: ["87be066e1bbf481e", "0011223344556677"],
    lost_after_ms: 290000,
  },
  Welcome: {
    version: 1,
    session: "c0ffee01",
    heartbeat_ms: 270000,
    frame_bytes_max: 524288,
    payload_bytes_max: 65536,
    codec: 300,
    server_time: time,
    user: ascii("alice"),
    sends_per_second: 100,
    requests_in_flight_max: 256,
    dictionary: "87be066e1bbf481e",
    dictionary_wanted: "0011223344556677",
  },
  Error: { code: 13, ref: 12, retry_after_ms: 1500, closes: true, expected: 9, detail: "client_seq 11 before 9" },
  GoAway: { reason: 1, reconnect_after_ms: 12000, target: "gw2.example.org:7700" },
  Send: { peer: ascii("bob"), group: ascii("team"), self: true, client_seq: 300, kind: 32, payload: hex(Buffer.from("hello 世界")) },
  Sent: { ref: 12, seq: 16384, time, durability: 2 },
  Push: {
    from: ascii("alice"),
    group: ascii("team"),
    to: ascii("bob"),
    seq: 16384,
    time,
    kind: 1,
    payload: "00ff",
    install,
    client_seq: 300,
    uncounted: 5,
    self: true,
  },
  Sync: { watermark },
  Heads: { ref: 3, heads: [head, { self: true, seq: 1, hash, time: 1, uncounted: 1 }], watermark, more: true },
  Fetch: { peer: ascii("bob"), group: ascii("team"), self: true, from_seq: 17, backward: true, limit: 50 },
  Page: {
    peer: ascii("bob"),
    group: ascii("team"),
    self: true,
    ref: 4,
    rows: [
      { from: ascii("bob"), seq: 1, time, payload: ascii("hi") },
      { seq: 2, time: time + 1, payload: ascii("yo"), install, client_seq: 1 },
    ],
    hash_before: "00".repeat(32),
    head_seq: 2,
    more: true,
  },
  Check: { digest: "f0f1f2f3f4f5f6f7", count: 128 },
  Checked: { ref: 5 },
  Read: { peer: ascii("bob"), group: ascii("team"), self: true, seq: 41 },
  Resync: {},
  Heartbeat: { heartbeat_ms: 580000 },
  Dictionary: { id: "0011223344556677", ref: 6, bytes: "68656c6c6f" },
};

const read = (name, type, body, fields, more = {}) => ({ name, type, frame: hex(frame(TYPES[type], body)), fields, ...more });
const bad = (name, type, body) => ({ name, type, frame: hex(frame(TYPES[type], body)), invalid: true });
const reversed = (type) => bytes(...Object.entries(full[type]).reverse().map(([key, value]) => FIELDS[type][key](value)));

const messages = [];
for (const type of Object.keys(TYPES)) {
  messages.push(read(`${type}: every field`, type, encode(type, full[type]), full[type], { exact: true }));
  messages.push(read(`${type}: no field`, type, "", {}, { exact: true }));
}
const sendBob = { peer: ascii("bob"), client_seq: 1, payload: ascii("hi") };
const pushBob = { from: ascii("bob"), seq: 1, time, payload: ascii("hi") };
messages.push(
  read("a Send as clients write it", "Send", encode("Send", sendBob), sendBob, { exact: true }),
  read("a Push as the peer gets it", "Push", encode("Push", pushBob), pushBob, { exact: true }),
  read("a Push as the sender's other devices get it", "Push", encode("Push", { to: ascii("bob"), seq: 1, time, payload: ascii("hi"), install, client_seq: 1 }), {
    to: ascii("bob"),
    seq: 1,
    time,
    payload: ascii("hi"),
    install,
    client_seq: 1,
  }, { exact: true }),
  read("a Push of the self conversation", "Push", encode("Push", { seq: 1, time, kind: 2, payload: "08", uncounted: 1, self: true }), { seq: 1, time, kind: 2, payload: "08", uncounted: 1, self: true }, { exact: true }),
  read("an Error with nothing but its code", "Error", encode("Error", { code: 12, ref: 4, retry_after_ms: 250 }), { code: 12, ref: 4, retry_after_ms: 250 }, { exact: true }),
  read("an Error code of a later version", "Error", encode("Error", { code: 4000, ref: 4 }), { code: 4000, ref: 4 }, { exact: true }),
  read("the largest integers of 64 bits that are used", "Sent", encode("Sent", { ref: big, seq: big, time: big }), { ref: big, seq: big, time: big }, { exact: true }),
  read("integers around 2^32", "Sent", encode("Sent", { ref: 2 ** 32 - 1, seq: 2 ** 32, time: 2 ** 32 + 1 }), { ref: 2 ** 32 - 1, seq: 2 ** 32, time: 2 ** 32 + 1 }, { exact: true }),
  read("the largest kind", "Send", encode("Send", { peer: ascii("bob"), client_seq: 1, kind: 2 ** 32 - 1 }), { peer: ascii("bob"), client_seq: 1, kind: 2 ** 32 - 1 }, { exact: true }),
  read("a token of 200 bytes, its length in two bytes", "Hello", encode("Hello", { token: "t".repeat(200) }), { token: "t".repeat(200) }, { exact: true }),
  read("ids and payloads are bytes: what is no UTF-8 is read all the same", "Send", encode("Send", { peer: "ff00c0af", client_seq: 1, payload: "eda080" }), { peer: "ff00c0af", client_seq: 1, payload: "eda080" }, { exact: true }),

  read("fields in descending order", "Hello", reversed("Hello"), full.Hello),
  read("fields in descending order, rows and all", "Page", reversed("Page"), full.Page),
  read("defaults written out", "Send", bytes("\x0a\x00", "\x12\x00", "\x18\x00", "\x20\x00", "\x28\x00", "\x32\x00"), {}),
  read("an integer in more bytes than it needs", "Send", bytes(encode("Send", { peer: ascii("bob") }), 0x20, 0x81, 0x80, 0x00), { peer: ascii("bob"), client_seq: 1 }),
  read("an integer of ten bytes", "Sent", bytes(0x10, Buffer.from("87808080808080808000", "hex")), { seq: 7 }),
  read("a bool that is 2", "Hello", bytes(0x38, 0x02), { sync: true }),
  read("codecs not packed", "Hello", bytes(0x48, 0x00, 0x48, varint(300)), { codecs: [0, 300] }),
  read("codecs packed, not packed, packed", "Hello", bytes(packed(9)([1]), 0x48, 0x02, packed(9)([3, 4])), { codecs: [1, 2, 3, 4] }),

  read("a field given twice: the last one counts", "Sent", bytes(0x08, 0x01, 0x10, 0x02, 0x08, 0x09, 0x10, 0x05), { ref: 9, seq: 5 }),
  read("bytes given twice", "Sync", bytes(blob(1)("aaaaaaaa"), blob(1)("bb")), { watermark: "bb" }),
  read("given twice, the last time as the default", "Sync", bytes(blob(1)("aaaaaaaa"), blob(1)("")), {}),
  read("a string given twice", "GoAway", bytes(text(3)("first"), text(3)("second")), { target: "second" }),

  read("unknown fields of each wire type, before, between and behind", "Sent", bytes(
    varint(100 * 8), varint(2 ** 40),
    encode("Sent", { ref: 1 }),
    varint(101 * 8 + 1), Buffer.alloc(8, 0xee),
    encode("Sent", { seq: 2 }),
    varint(102 * 8 + 2), varint(5), "abcde",
    encode("Sent", { time: 3 }),
    varint(103 * 8 + 5), Buffer.alloc(4, 0xee),
  ), { ref: 1, seq: 2, time: 3 }),
  read("an unknown group with a group in it", "Sent", bytes(encode("Sent", { ref: 1 }), varint(50 * 8 + 3), 0x08, 0x05, varint(51 * 8 + 3), 0x12, 0x01, "x", varint(51 * 8 + 4), varint(50 * 8 + 4), encode("Sent", { seq: 2 })), { ref: 1, seq: 2 }),
  read("the largest field number", "Sent", bytes(encode("Sent", { ref: 1 }), varint((2 ** 29 - 1) * 8), 0x01), { ref: 1 }),
  read("unknown fields of a nested message", "Heads", bytes(0x12, varint(bytes(encode("Head", { seq: 5 }), varint(99 * 8), 1).length), encode("Head", { seq: 5 }), varint(99 * 8), 1), { heads: [{ seq: 5 }] }),
  read("a message of a type without fields, with a field of a later version", "Resync", bytes(0x08, 0x05), {}),
  read("an unknown group in a message of a type without fields", "Resync", bytes(varint(50 * 8 + 3), 0x08, 0x05, varint(50 * 8 + 4)), {}),
  read("a number sent as bytes counts as an unknown field", "Sent", bytes(encode("Sent", { seq: 2 }), 0x0a, 0x01, 0x07), { seq: 2 }),
  read("bytes sent as a number count as an unknown field", "Sync", bytes(0x08, 0x07), {}),
  read("a number sent as 32 fixed bits counts as an unknown field", "Sent", bytes(0x0d, Buffer.from("01000000", "hex"), encode("Sent", { seq: 2 })), { seq: 2 }),

  bad("an integer cut off", "Sent", bytes(0x08, 0x80)),
  bad("a tag without a value", "Sent", bytes(0x08, 0x01, 0x10)),
  bad("a tag cut off", "Sent", bytes(0x80)),
  bad("bytes longer than the message", "Sync", bytes(0x0a, 0x05, "abcd")),
  bad("bytes of 2 GiB - 1 announced", "Sync", bytes(0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, "abcd")),
  bad("bytes of 2^32 + 4 announced, where the message holds 4", "Sync", bytes(0x0a, varint(2 ** 32 + 4), "abcd")),
  bad("a string longer than the message", "Hello", bytes(0x1a, 0x09, "abcd")),
  bad("a string that is not UTF-8", "Hello", bytes(0x1a, 0x02, 0xc3, 0x28)),
  bad("a long string that is not UTF-8", "Hello", bytes(0x1a, varint(101), "a".repeat(100), 0xff)),
  bad("an integer of eleven bytes", "Sent", bytes(0x08, Buffer.alloc(10, 0x80), 0x00)),
  bad("field number 0", "Sent", bytes(0x00, 0x01)),
  bad("wire type 6", "Sent", bytes(0x0e, 0x01)),
  bad("wire type 7", "Sent", bytes(0x0f, 0x01)),
  bad("the end of a group that never began", "Sent", bytes(0x0c)),
  bad("a group without its end", "Sent", bytes(varint(50 * 8 + 3), 0x08, 0x05)),
  bad("a group with another's end", "Sent", bytes(varint(50 * 8 + 3), varint(51 * 8 + 4))),
  bad("an unknown field longer than the message", "Sent", bytes(varint(50 * 8 + 2), 0x05, "abcd")),
  bad("unknown fixed bits cut off", "Sent", bytes(varint(50 * 8 + 1), "abcdefg")),
  bad("a row longer than its page", "Page", bytes(0x2a, 0x05, 0x20, 0x01)),
  bad("a head cut off inside", "Heads", bytes(0x12, 0x02, 0x20, 0x80)),
);

// ---- keys.json --------------------------------------------------------------------------------------

const prefixed = (id) => bytes(Buffer.from(id, "utf8").length, id);
function key(kind, ids) {
  if (kind === "user") return bytes(0, prefixed(ids[0]));
  if (kind === "group") return bytes(2, prefixed(ids[0]));
  if (kind === "self") return bytes(3, prefixed(ids[0]));
  return bytes(1, ...ids.map((id) => Buffer.from(id, "utf8")).sort(Buffer.compare).map((id) => bytes(id.length, id)));
}
// All in BigInt modulo 2^32, so that nothing depends on 32-bit multiplication.
const M32 = 0xffffffffn;
function placeOf(buffer) {
  let h = 2166136261n;
  for (const byte of buffer) h = ((h ^ BigInt(byte)) * 16777619n) & M32;
  h ^= h >> 16n;
  h = (h * 0x85ebca6bn) & M32;
  h ^= h >> 13n;
  h = (h * 0xc2b2ae35n) & M32;
  return h ^ (h >> 16n);
}
const placed = (name, kind, ...ids) => {
  const buffer = key(kind, ids);
  const place = placeOf(buffer);
  return { name, kind, ids: ids.map(ascii), key: hex(buffer), shards: { 1: 0, 16: Number(place % 16n), 256: Number(place % 256n), 1000: Number(place % 1000n), 1024: Number(place % 1024n) } };
};
const long = "u".repeat(64);
const keys = [
  placed("two users", "direct", "alice", "bob"),
  placed("the order given does not matter", "direct", "bob", "alice"),
  placed("a prefix sorts first", "direct", "bob", "bo"),
  placed("a prefix sorts first, whatever its length byte", "direct", "b", "bbbbbbbbbb"),
  placed("digits as text", "direct", "10", "9"),
  placed("upper case sorts before lower case", "direct", "a", "B"),
  placed("bytes decide, not characters: U+FF5E sorts before U+1F600, though not in UTF-16", "direct", "😀", "～"),
  placed("no normalisation: \u00e9 and e\u0301 are two users", "direct", "\u00e9", "e\u0301"),
  placed("Chinese names", "direct", "王伟", "李娜"),
  placed("the zero character is a character", "direct", "a\0", "a"),
  placed("notes to self", "direct", "alice", "alice"),
  placed("two ids of one byte", "direct", "a", "b"),
  placed("two ids of 64 bytes", "direct", long, `${"u".repeat(63)}v`),
  placed("a short and a long id", "direct", long, "u"),
  placed("a group", "group", "team"),
  placed("a group with a name beyond ASCII", "group", "équipe ☕"),
  placed("the self conversation", "self", "alice"),
  placed("the self conversation, beyond ASCII", "self", "王伟"),
  placed("a user", "user", "alice"),
  placed("a user, beyond ASCII", "user", "王伟"),
  placed("a user of 64 bytes", "user", long),
  ...Array.from({ length: 12 }, (_, i) => placed("users with numbers", "user", `user-${i}`)),
];
const id = (name, buffer, valid) => ({ name, id: hex(bytes(buffer)), valid });
const ids = [
  id("one letter", "a", true),
  id("64 bytes", long, true),
  id("64 bytes that are 16 characters", "😀".repeat(16), true),
  id("any character: space, control, zero", " \x01\0", true),
  id("U+007F", "\x7f", true),
  id("U+0080, the smallest of two bytes", bytes(0xc2, 0x80), true),
  id("U+0800, the smallest of three bytes", bytes(0xe0, 0xa0, 0x80), true),
  id("U+D7FF, the last before the surrogates", bytes(0xed, 0x9f, 0xbf), true),
  id("U+E000, the first behind the surrogates", bytes(0xee, 0x80, 0x80), true),
  id("U+FFFD", bytes(0xef, 0xbf, 0xbd), true),
  id("U+FFFF, a noncharacter", bytes(0xef, 0xbf, 0xbf), true),
  id("U+10000, the smallest of four bytes", bytes(0xf0, 0x90, 0x80, 0x80), true),
  id("U+10FFFF, the last", bytes(0xf4, 0x8f, 0xbf, 0xbf), true),
  id("a byte order mark is a character like others", bytes(0xef, 0xbb, 0xbf), true),
  id("a byte order mark before a letter", bytes(0xef, 0xbb, 0xbf, "a"), true),
  id("empty", "", false),
  id("65 bytes", `${long}u`, false),
  id("65 bytes that are 33 characters", `${"é".repeat(32)}a`, false),
  id("a continuation byte alone", bytes(0x80), false),
  id("a sequence of two cut off", bytes("a", 0xc3), false),
  id("a sequence of three cut off", bytes(0xe4, 0xb8), false),
  id("a sequence of four cut off", bytes(0xf0, 0x9f, 0x98), false),
  id("a sequence broken by a letter", bytes(0xc3, "("), false),
  id("overlong / in two bytes", bytes(0xc0, 0xaf), false),
  id("overlong zero in two bytes", bytes(0xc0, 0x80), false),
  id("overlong U+007F in two bytes", bytes(0xc1, 0xbf), false),
  id("overlong / in three bytes", bytes(0xe0, 0x80, 0xaf), false),
  id("overlong U+FFFF in four bytes", bytes(0xf0, 0x8f, 0xbf, 0xbf), false),
  id("U+D800, a surrogate", bytes(0xed, 0xa0, 0x80), false),
  id("U+DFFF, a surrogate", bytes(0xed, 0xbf, 0xbf), false),
  id("a pair of surrogates as CESU-8", bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80), false),
  id("U+110000, above the last", bytes(0xf4, 0x90, 0x80, 0x80), false),
  id("a sequence of five", bytes(0xf8, 0x88, 0x80, 0x80, 0x80), false),
  id("0xFE", bytes(0xfe), false),
  id("0xFF", bytes(0xff), false),
];

// ---- hashes.json, digests.json ----------------------------------------------------------------------

function hashed(name, before, rows) {
  let previous = before;
  return {
    name,
    hash_before: hex(before),
    rows: rows.map(([seq, sender, kind, at, payload]) => {
      const content = Buffer.isBuffer(payload) ? payload : Buffer.from(payload, "utf8");
      previous = sha256(bytes(previous, big64(seq), prefixed(sender), big32(kind), big64(at), sha256(content)));
      return { seq, sender: ascii(sender), kind, time: at, payload: hex(content), payload_hash: hex(sha256(content)), hash: hex(previous) };
    }),
  };
}
const ZERO = Buffer.alloc(32);
const hashes = [
  hashed("one text", ZERO, [[1, "alice", 0, time, "hi"]]),
  hashed("a conversation: text, data, the application's own kinds, an empty payload", ZERO, [
    [1, "alice", 0, time, "hello 世界"],
    [2, "bob", 0, time, "hi"],
    [3, "bob", 1, time + 1, Buffer.of(0, 255, 128)],
    [4, "alice", 32, time + 60_000, "{}"],
    [5, "alice", 2 ** 32 - 1, time + 60_000, ""],
  ]),
  hashed("senders beyond ASCII and of 64 bytes", ZERO, [
    [1, "王伟", 0, 0, "你好"],
    [2, long, 0, 1, "u"],
    [3, "u", 0, 1, "u"],
  ]),
  hashed("a row of the server in a self conversation: the sender is empty", ZERO, [[1, "", 2, time, "invite"]]),
  hashed("seq and time beyond 2^32", sha256("the rows before"), [
    [2 ** 32 - 1, "alice", 0, 2 ** 32 - 1, "a"],
    [2 ** 32, "alice", 0, 2 ** 32, "b"],
    [2 ** 32 + 1, "bob", 0, time, "c"],
  ]),
  hashed("seq and time of 53 bits", sha256("still more rows before"), [
    [2 ** 53 - 2, "alice", 0, 2 ** 53 - 2, "y"],
    [2 ** 53 - 1, "bob", 0, 2 ** 53 - 1, "z"],
  ]),
];

function digested(name, heads) {
  let sum = 0n;
  const terms = heads.map(([kind, ids, seq]) => {
    const term = sha256(bytes(key(kind, ids), big64(seq))).subarray(0, 8);
    sum = (sum + term.readBigUInt64BE()) % 2n ** 64n;
    return { key: hex(key(kind, ids)), seq, term: hex(term) };
  });
  return { name, heads: terms, digest: hex(big64(sum)), count: heads.length };
}
const digests = [
  digested("no conversation", []),
  digested("one conversation", [["direct", ["alice", "bob"], 1]]),
  digested("the same one row later", [["direct", ["alice", "bob"], 2]]),
  digested("three kinds of conversation", [["direct", ["alice", "bob"], 42], ["group", ["team"], 7], ["self", ["alice"], 3]]),
  digested("in another order: the same digest", [["self", ["alice"], 3], ["group", ["team"], 7], ["direct", ["alice", "bob"], 42]]),
  digested("seq beyond 2^32", [["direct", ["alice", "alice"], 2 ** 32], ["direct", ["王伟", "李娜"], 2 ** 53 - 1]]),
  digested("forty conversations: the sum wraps at 2^64", Array.from({ length: 40 }, (_, i) => ["direct", ["alice", `user-${i}`], i + 1])),
];

// ---- compression.json -------------------------------------------------------------------------------

// The dictionary that all clients have: data like a font, so the file is what it is. The deflated bytes below are zlib's; another
// version of it may write others, which mean the same.
const words = readFileSync(new URL("default-dictionary.txt", import.meta.url));
const own = Buffer.from("the lighthouse keeper says good night and good morning to the ships", "utf8");
const dictionaryId = (dictionary) => hex(sha256(dictionary).subarray(0, 8));
const NO_DICTIONARY = Buffer.alloc(0);
const deflated = (inflated, dictionary, options = {}) => deflateRawSync(inflated, dictionary.length > 0 ? { level: 9, ...options, dictionary } : { level: 9, ...options });
const BODY_LIMIT = 65_536;
const inflates = (name, inflated, dictionary, data = deflated(inflated, dictionary)) => ({
  name, dictionary: dictionary.length > 0 ? dictionaryId(dictionary) : "", limit: BODY_LIMIT, body: hex(bytes(varint(inflated.length), data)), inflated: hex(inflated),
});
const refusedBody = (name, body, dictionary = NO_DICTIONARY, limit = BODY_LIMIT) => ({
  name, dictionary: dictionary.length > 0 ? dictionaryId(dictionary) : "", limit, body: hex(body), error: "BAD_FRAME",
});
const greeting = encode("Push", { from: ascii("bob"), seq: 1, time, payload: ascii("See you tomorrow! I'm on my way home now.") });
const several = batch(...["Where are you?", "I will be there in 10 minutes", "好的，明天见", "ok"].map((said, i) => encode("Push", { from: ascii("bob"), seq: i + 2, time: time + i, payload: ascii(said) })));
const lit = bytes(varint(greeting.length), deflated(greeting, words));
const bodies = [
  inflates("a Push with the default dictionary", greeting, words),
  inflates("the same without a dictionary", greeting, NO_DICTIONARY),
  inflates("a batch of four Pushes", several, words),
  inflates("another dictionary", Buffer.from("good morning to the lighthouse keeper", "utf8"), own),
  inflates("one byte", Buffer.of(7), NO_DICTIONARY),
  inflates("a stored block", greeting, NO_DICTIONARY, deflated(greeting, NO_DICTIONARY, { level: 0 })),
  inflates("the fixed code", several, words, deflated(several, words, { strategy: constants.Z_FIXED })),
  inflates("Huffman codes only", several, NO_DICTIONARY, deflated(several, NO_DICTIONARY, { strategy: constants.Z_HUFFMAN_ONLY })),
  inflates("two blocks", bytes(greeting, several), words, bytes(stretch(greeting), deflated(several, NO_DICTIONARY))),
  { ...inflates("as large as it may be", Buffer.alloc(BODY_LIMIT, "h"), NO_DICTIONARY), inflated: `68*${BODY_LIMIT}` },
  refusedBody("a byte larger than it may be", bytes(varint(BODY_LIMIT + 1), deflated(Buffer.alloc(BODY_LIMIT + 1, 1), NO_DICTIONARY))),
  refusedBody("it inflates to more than it says", bytes(varint(greeting.length - 1), deflated(greeting, words)), words),
  refusedBody("it inflates to less than it says", bytes(varint(greeting.length + 1), deflated(greeting, words)), words),
  refusedBody("to far more than it says", bytes(varint(100), deflated(Buffer.alloc(1_000_000), NO_DICTIONARY))),
  refusedBody("the data end early", lit.subarray(0, -2), words),
  refusedBody("there are no data", varint(5)),
  refusedBody("there is nothing", Buffer.alloc(0)),
  refusedBody("a size of 0", bytes(0, deflated(Buffer.alloc(0), NO_DICTIONARY))),
  refusedBody("a size that is not minimal", bytes(0x81, 0x00, deflated(Buffer.of(7), NO_DICTIONARY))),
  refusedBody("bytes behind the data", bytes(lit, 0), words),
  refusedBody("a match that reaches before the dictionary", bytes(varint(greeting.length), deflated(greeting, words))),
  refusedBody("no deflate", bytes(varint(5), 0xff, 0xff, 0xff)),
];
const dictionaries = [
  { name: "the default dictionary", id: dictionaryId(words), bytes: hex(words) },
  { name: "another one", id: dictionaryId(own), bytes: hex(own) },
];
/** A stored block that is not the last. */
function stretch(content) {
  return bytes(0x00, content.length & 0xff, content.length >> 8, ~content.length & 0xff, (~content.length >> 8) & 0xff, content);
}

// ---- out --------------------------------------------------------------------------------------------

/** One line for each case (or for each row of a case): a difference can be read. */
function write(name, content) {
  const lists = Object.entries(content).map(([list, cases]) => `  ${JSON.stringify(list)}: [\n${cases.map((item) => `    ${JSON.stringify(item)}`).join(",\n")}\n  ]`);
  writeFileSync(new URL(name, import.meta.url), `{\n${lists.join(",\n")}\n}\n`);
}
write("frames.json", { streams: frames });
write("messages.json", { messages });
write("keys.json", { ids, keys });
write("hashes.json", { conversations: hashes });
write("digests.json", { digests });
write("compression.json", { dictionaries, bodies });

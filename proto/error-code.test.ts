// The constants in code against the page that everybody else reads: frame types (SPEC.md §2), errors (§12) and
// limits (§13), and against the enums of the .proto files.
import t from "tap";
import { ERROR_RULES, ErrorCode, errorFrame, errorName } from "./error-code.ts";
import type { Retry } from "./error-code.ts";
import { readLength } from "./frame.ts";
import { FrameType, HeaderBit, TYPE_MASK, frameTypeName } from "./frame-type.ts";
import { hawser } from "./gen/hawser.js";
import { Limits, idleDeadlineMs } from "./limits.ts";
import { projectText } from "./testing/project-file.ts";
import { readSchema } from "./testing/schema.ts";

const spec = projectText("proto/SPEC.md");
const schema = readSchema("hawser.proto");

/** The cells of the table rows in a section of SPEC.md, without head and ruler. */
function tableOf(section: number): string[][] {
  const text = spec.split(/^## /m).find((part) => part.startsWith(`${section}. `))!;
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}
const snake = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

t.test("errors: SPEC.md §12, the rules in code and the enum on the wire are one table", (t) => {
  const RETRY: Record<string, Retry> = {
    "after backoff": "backoff",
    "at once": "now",
    "after retry_after_ms": "wait",
    "with another token": "token",
    "at once, from `expected`": "order",
    no: "never",
  };
  const USES_NUMBER: Record<string, boolean> = { "–": false, free: false, "taken before": false, "used up": true };
  const fromSpec = tableOf(12).map(([code, name, closes, retry, number]) => ({
    code: Number(code),
    name,
    closes: { yes: true, no: false }[closes!.replace("¹", "")],
    retry: RETRY[retry!],
    usesNumber: USES_NUMBER[number!.replace("²", "")],
  }));
  const fromCode = Object.entries(ERROR_RULES).map(([code, rule]) => ({ code: Number(code), ...rule }));
  t.same(fromCode, fromSpec);
  t.same(
    Object.entries(ErrorCode).map(([name, code]) => [snake(name), code]),
    fromSpec.map(({ name, code }) => [name, code]),
    "names in code",
  );
  t.same(
    [...schema.enums.get("ErrorCode")!].slice(1),
    fromSpec.map(({ name, code }) => [name, code]),
    "the enum of hawser.proto",
  );
  t.equal(errorName(ErrorCode.OutOfOrder), "OUT_OF_ORDER");
  t.equal(errorName(4000), "ERROR_4000", "a code of a later version");
  t.end();
});

t.test("an Error frame says what the table says, unless told otherwise", (t) => {
  const read = (frame: Uint8Array): hawser.v1.Error => {
    const header = readLength(frame, 0, frame.length);
    t.equal(frame[header], FrameType.Error);
    return hawser.v1.Error.decode(frame.subarray(header + 1));
  };
  for (const code of Object.values(ErrorCode)) {
    const error = read(errorFrame(code));
    t.same([error.code, error.ref, error.closes], [code, 0, ERROR_RULES[code].closes], errorName(code));
  }
  const error = read(errorFrame(ErrorCode.BadRequest, { ref: 7, closes: true, retryAfterMs: 20, expected: 3, detail: "second Hello" }));
  t.same([error.code, error.ref, error.closes, error.retryAfterMs, error.expected, error.detail], [10, 7, true, 20, 3, "second Hello"]);
  t.equal(read(errorFrame(ErrorCode.BadFrame, { closes: false })).closes, false);
  t.end();
});

t.test("frame types: SPEC.md §2 and the code name the same numbers, and each has its message", (t) => {
  const fromSpec = tableOf(2).flatMap(([left, leftName, , , right, rightName]) => [
    [leftName!, Number(left)] as const,
    [rightName!.split(" ")[0]!, Number(right)] as const,
  ]);
  fromSpec.sort((a, b) => a[1] - b[1]);
  t.same(Object.entries(FrameType), fromSpec);
  for (const [name, type] of fromSpec) {
    t.equal(frameTypeName(type), name);
    if (name !== "Signal") t.ok(schema.messages.has(name), `message ${name}`);
    t.equal(type & TYPE_MASK, type);
  }
  const masks = /header {2}= bit 7 \((0x\w+)\) reserved \| bit 6 \((0x\w+)\) compressed \| bit 5 \((0x\w+)\) batch/.exec(spec)!;
  t.same([HeaderBit.Reserved, HeaderBit.Compressed, HeaderBit.Batch], masks.slice(1).map(Number));
  t.equal(HeaderBit.Reserved | HeaderBit.Compressed | HeaderBit.Batch | TYPE_MASK, 0xff);
  t.end();
});

t.test("limits: SPEC.md §13 and the code name the same values", (t) => {
  const UNITS: Record<string, number> = { KiB: 1024, s: 1000 };
  const numbers = (text: string): number[] => {
    const found = text.matchAll(/(\d[\d,.]*)(?: (KiB|s)\b)?/g);
    return [...found].map(([, digits, unit]) => Number(digits!.replace(",", "")) * (unit ? UNITS[unit]! : 1));
  };
  const rows = Object.fromEntries(tableOf(13).map(([what, value]) => [what, numbers(value!)]));
  t.same(rows["frame before Welcome / after"], [Limits.frameBytesMaxBeforeWelcome, Limits.frameBytesMax]);
  t.same(rows["payload of a Send"], [Limits.payloadBytesMax]);
  t.same(rows["id of a user, device, group"], [1, Limits.idBytesMax]);
  t.same(rows["pipelined bytes before Welcome"], [Limits.pipelinedBytesMax]);
  t.same(rows["time for the handshake"], [Limits.handshakeMs]);
  t.same(rows["page of rows"], [Limits.pageBytesMax, Limits.headsPerPageMax]);
  t.same(rows["token"], [Limits.tokenBytesMax]);
  const [factor, extraMs] = rows["beats"]!;
  t.equal(idleDeadlineMs(270_000), 270_000 * factor! + extraMs!, "the server's patience");

  for (const [sentence, value] of [
    [/`frame_bytes_max` \(0: 512 KiB; below ([\d,]+)\s+counts as/, Limits.frameBytesWantedMin],
    [/without waiting for Welcome, at most ([\d,]+ KiB)/, Limits.pipelinedBytesMax],
    [/The watermark is opaque, up to (\d+) bytes/, Limits.watermarkBytesMax],
    [/`install`: (\d+) random bytes/, Limits.installBytes],
    [/modulo the\s+shard count \((\d+) by default\)/, Limits.shardCountDefault],
    [/A page is at most (\d+ KiB)/, Limits.pageBytesMax],
  ] as const) {
    t.same(numbers(sentence.exec(spec)?.[1] ?? ""), [value], String(sentence));
  }
  t.end();
});

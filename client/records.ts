// The core's state as records of the store, and back. Keys: "client" for the client itself,
// "conversation/<c>" for each conversation, "send/<c>/<clientSeq>" for each message not yet confirmed; <c> is
// "d:" + peer, "g:" + group or "s:". Values are JSON.
import { ConversationKind, idBytes } from "../proto/conversation.ts";
import { Limits } from "../proto/limits.ts";
import type { ConversationLog } from "./conversation-log.ts";
import { hex } from "../proto/hex.ts";
import { base64ToBytes, bytesToBase64, equalBytes, hexToBytes } from "./encoding.ts";
import { describe, HawserError, LocalErrorCode } from "./errors.ts";
import type { Kept } from "./journal.ts";
import { NO_BYTES } from "./message.ts";
import type { SendQueue } from "./send-queue.ts";

export const ROOT_KEY = "client";
const FORMAT = 1;

/** Who this client is, and how far it has synced. */
export class RootRecord implements Kept {
  install: Uint8Array;
  installHex: string;
  device: string;
  deviceBytes: Uint8Array;
  /** Hello's connection counter: raised before each attempt. */
  connection: number;
  watermark: Uint8Array;
  /** A Sync was complete at least once. */
  synced: boolean;
  /** "" before the first Welcome. */
  user: string;
  userBytes: Uint8Array;

  /** Throws BAD_ARGUMENT on a device name that is not an id. */
  constructor(install: Uint8Array, device: string) {
    this.install = install;
    this.installHex = hex(install);
    this.device = device;
    this.deviceBytes = deviceBytes(device);
    this.connection = 0;
    this.watermark = NO_BYTES;
    this.synced = false;
    this.user = "";
    this.userBytes = NO_BYTES;
  }

  static hex(install: Uint8Array): string {
    return hex(install);
  }

  setUser(user: string): void {
    this.user = user;
    this.userBytes = user === "" ? NO_BYTES : idBytes(user);
  }

  /** Install and connection counter live and die together (SPEC.md §3). */
  renew(install: Uint8Array): void {
    this.install = install;
    this.installHex = hex(install);
    this.connection = 0;
  }

  isInstall(install: Uint8Array): boolean {
    return equalBytes(this.install, install);
  }

  record(): string {
    return JSON.stringify({
      format: FORMAT,
      install: this.installHex,
      device: this.device,
      connection: this.connection,
      watermark: bytesToBase64(this.watermark),
      synced: this.synced,
      user: this.user,
    });
  }

  restore(text: string): void {
    const record = JSON.parse(text) as Record<string, unknown>;
    if (record.format !== FORMAT) throw new RangeError(`format ${String(record.format)}`);
    this.installHex = String(record.install);
    this.install = hexToBytes(this.installHex);
    if (this.install.length !== Limits.installBytes) throw new RangeError("install");
    this.device = String(record.device);
    this.deviceBytes = idBytes(this.device);
    this.connection = count(record.connection);
    this.watermark = base64ToBytes(String(record.watermark));
    this.synced = record.synced === true;
    this.setUser(String(record.user));
  }
}

/** Reads the records into the core's parts. False when the store is new. Throws STORE_FAILED on what makes no sense. */
export function loadRecords(
  records: ReadonlyMap<string, string>,
  root: RootRecord,
  sends: SendQueue,
  logOf: (kind: ConversationKind, name: string) => ConversationLog,
): boolean {
  const text = records.get(ROOT_KEY);
  if (text === undefined) {
    if (records.size > 0) throw new HawserError(LocalErrorCode.StoreFailed, "the store holds records, but not whose");
    return false;
  }
  let at = ROOT_KEY;
  try {
    root.restore(text);
    const pending: { log: ConversationLog; clientSeq: number; text: string }[] = [];
    for (const [key, value] of records) {
      at = key;
      if (key.startsWith("conversation/")) restoreLog(logNamed(key.slice(13), logOf), value);
      else if (key.startsWith("send/")) {
        const slash = key.lastIndexOf("/");
        pending.push({ log: logNamed(key.slice(5, slash), logOf), clientSeq: count(Number(key.slice(slash + 1))), text: value });
      }
    }
    pending.sort((a, b) => a.clientSeq - b.clientSeq);
    for (const { log, clientSeq, text: record } of pending) {
      const { kind, payload } = JSON.parse(record) as { kind: unknown; payload: unknown };
      sends.restore(log, clientSeq, count(kind), base64ToBytes(String(payload)));
    }
  } catch (thrown) {
    throw new HawserError(LocalErrorCode.StoreFailed, `the record ${JSON.stringify(at)} makes no sense: ${describe(thrown)}`, thrown);
  }
  return true;
}

function deviceBytes(device: string): Uint8Array {
  try {
    return idBytes(device);
  } catch (thrown) {
    throw new HawserError(LocalErrorCode.BadArgument, `device: ${describe(thrown)}`);
  }
}

function restoreLog(log: ConversationLog, text: string): void {
  const record = JSON.parse(text) as Record<string, unknown>;
  const next = count(record.next);
  if (next > 0) {
    log.start(count(record.first));
    log.next = next;
    log.known = next - 1;
    const hash = base64ToBytes(String(record.hash));
    log.hash = hash.length === 32 ? hash : undefined;
  }
  log.nextClientSeq = count(record.clientSeq);
  log.readSeq = count(record.read);
}

function logNamed(key: string, logOf: (kind: ConversationKind, name: string) => ConversationLog): ConversationLog {
  const kind = key.startsWith("d:") ? ConversationKind.Direct : key.startsWith("g:") ? ConversationKind.Group : ConversationKind.Self;
  if (kind === ConversationKind.Self && key !== "s:") throw new RangeError("not a conversation");
  return logOf(kind, key.slice(2));
}

function count(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a count: ${String(value)}`);
  return value;
}

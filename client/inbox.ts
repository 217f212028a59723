// Rows on their way to the application: from a Push, a Page or the Sent of an own message into the conversation's
// log, and out of it as "message" events; holes to the fetcher, own messages settled, differences mended.
// (SPEC.md §7, §11.)
import type { Sha256 } from "../proto/conversation-hash.ts";
import { ConversationKind } from "../proto/conversation.ts";
import { fromWireTime } from "../proto/time.ts";
import { Accepted } from "./conversation-log.ts";
import type { ConversationLog, LogContext } from "./conversation-log.ts";
import { idOf, Violation } from "./conversations.ts";
import type { Fetcher } from "./fetcher.ts";
import { OWN_HOLE_MS } from "./fetcher.ts";
import type { Journal } from "./journal.ts";
import { durabilityName, Message, NO_BYTES } from "./message.ts";
import type { PushRow } from "./message.ts";
import type { Outputs } from "./outputs.ts";
import type { PendingSend } from "./pending-send.ts";
import { ROOT_KEY, RootRecord } from "./records.ts";
import { recordKey } from "./send-queue.ts";
import type { SendQueue } from "./send-queue.ts";
import type { Sync } from "./sync.ts";

/** Rows that came early and are held, per client. */
const HELD_ROWS_MAX = 4096;

export class Inbox implements LogContext {
  readonly sha256: Sha256 | undefined;
  readonly heldRowsMax: number;
  heldRows: number;
  private readonly outputs: Outputs;
  private readonly journal: Journal;
  private readonly root: RootRecord;
  private readonly sends: SendQueue;
  private readonly sync: Sync;
  private readonly fetcher: Fetcher;
  private readonly history: number | "all";

  /** `sha256` undefined: hashes are not compared. `history`: see CoreOptions. */
  constructor(
    outputs: Outputs,
    journal: Journal,
    root: RootRecord,
    sends: SendQueue,
    sync: Sync,
    fetcher: Fetcher,
    sha256: Sha256 | undefined,
    history: number | "all",
  ) {
    this.sha256 = sha256;
    this.heldRowsMax = HELD_ROWS_MAX;
    this.heldRows = 0;
    this.outputs = outputs;
    this.journal = journal;
    this.root = root;
    this.sends = sends;
    this.sync = sync;
    this.fetcher = fetcher;
    this.history = history;
  }

  /** LogContext. */
  get meBytes(): Uint8Array {
    return this.root.userBytes;
  }

  /** A row of a Push or a Page. Throws Violation. */
  row(log: ConversationLog, row: PushRow, now: number): void {
    const seq = row.seq ?? 0;
    if (seq === 0) throw new Violation("a row without a number");
    this.begin(log, seq, true);
    if (seq < log.next) return;
    const message = this.toMessage(log, row);
    if (message.local) this.settleByRow(log, message);
    // A row of our own that is not confirmed yet may be what is missing: its Sent is under way.
    this.accept(log, message, log.outbox !== undefined && log.outbox.cursor > 0 ? OWN_HOLE_MS : 0, now);
  }

  /** The server confirmed `send`: it is row `seq`. */
  confirmed(send: PendingSend, seq: number, wireTime: number, durability: number, now: number): void {
    const log = send.log;
    this.begin(log, seq, true);
    this.sends.confirm(send, { seq, time: fromWireTime(wireTime), durability: durabilityName(durability) });
    const to = log.kind === ConversationKind.Direct ? log.name : undefined;
    const message = new Message(log.conversation, this.root.user, to, true, true, seq, wireTime, send.kind, send.payload, this.root.installHex, send.clientSeq);
    // Its place may be behind rows whose Push is still under way.
    this.accept(log, message, OWN_HOLE_MS, now);
  }

  /** Fixes where a log begins whose head is, or is at least, `seq`. `row`: that row is at hand, to be shown. */
  begin(log: ConversationLog, seq: number, row: boolean): void {
    if (log.next > 0) return;
    const history = this.history;
    // After a complete Sync every conversation that turns up is a new one, and all of it is news.
    if (history === "all" || this.root.synced) log.start(1);
    else log.start(Math.max(1, seq - (row ? Math.max(1, history) : history) + 1));
  }

  /** What was shown is not what the server has: forget it, and fetch it again. */
  mendIfDiverged(log: ConversationLog, now: number): void {
    if (!log.diverged) return;
    // If the server's log ends before ours begins, it is another log.
    const from = log.known < log.first ? 1 : log.first;
    log.restart(from, this);
    // Until a Sync is complete again, a crash must not leave these rows behind.
    this.root.watermark = NO_BYTES;
    this.journal.mark(ROOT_KEY, this.root);
    this.journal.mark(recordKey(log), log);
    this.outputs.events.push({ type: "diverged", diverged: { conversation: log.conversation, fromSeq: from } });
    this.sync.announce(log, log.known);
    this.fetcher.want(log, now, now);
  }

  /** LogContext. */
  shown(log: ConversationLog, message: Message): void {
    this.outputs.events.push({ type: "message", message });
    if (this.journal.kept) this.journal.mark(recordKey(log), log);
  }

  /** A row as the application sees it. Throws Violation. */
  toMessage(log: ConversationLog, row: PushRow): Message {
    const sender = row.from?.length ? row.from : undefined;
    const isSelf = log.kind === ConversationKind.Self;
    const from = sender !== undefined ? idOf(sender) : isSelf ? "" : this.root.user;
    const mine = !isSelf && from === this.root.user;
    const install = mine && row.install?.length ? row.install : undefined;
    const local = install !== undefined && this.root.isInstall(install);
    return new Message(
      log.conversation,
      from,
      log.kind === ConversationKind.Direct ? (mine ? log.name : this.root.user) : undefined,
      mine,
      local,
      row.seq ?? 0,
      row.time ?? 0,
      row.kind ?? 0,
      // Copied: the frame's bytes belong to the socket's buffer.
      row.payload?.length ? new Uint8Array(row.payload) : NO_BYTES,
      local ? this.root.installHex : install && RootRecord.hex(install),
      row.clientSeq || undefined,
    );
  }

  /** `patienceMs`: how long a hole before this row may take to close by itself. */
  private accept(log: ConversationLog, message: Message, patienceMs: number, now: number): void {
    const accepted = log.accept(message, this);
    if (accepted === Accepted.Shown) {
      this.fetcher.advanced(log);
      this.sync.advanced(log, false);
      this.mendIfDiverged(log, now);
    }
    // A hole keeps the moment it was given first.
    if (log.known >= log.next && log.fetchAt === 0) this.fetcher.want(log, now + patienceMs, now);
  }

  private settleByRow(log: ConversationLog, message: Message): void {
    const number = message.clientSeq ?? 0;
    const send = this.sends.find(log, number, message.kind, message.payload);
    if (send !== undefined) this.sends.confirm(send, { seq: message.seq, time: message.time, durability: "unspecified" });
    else if (number >= log.nextClientSeq) {
      // The store lost a number that the server has: never use it again.
      log.nextClientSeq = number + 1;
      this.journal.mark(recordKey(log), log);
    }
  }
}

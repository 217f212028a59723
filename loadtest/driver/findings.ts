// What the ledger finds wrong in the end, and the traces of it: the first few of each kind, while counts stay exact.
import type { CheckCounts, Trace } from "../result.ts";
import { type Conversation, HeadState, type Lane, wasDelivered } from "./conversation.ts";
import { type Entries, EntryFlag, NONE } from "./entries.ts";

/** How traces name people. */
export interface Labels {
  user(user: number): string;
  device(session: number): string;
}

const TRACES_OF_A_KIND_MAX = 100;

export class Traces {
  readonly list: Trace[];
  readonly labels: Labels;
  private readonly entries: Entries;
  private readonly counts: Map<Trace["what"], number>;

  constructor(labels: Labels, entries: Entries, begin: readonly Trace[]) {
    this.list = [];
    this.labels = labels;
    this.entries = entries;
    this.counts = new Map();
    for (const trace of begin) this.add(trace);
  }

  full(what: Trace["what"]): boolean {
    return (this.counts.get(what) ?? 0) >= TRACES_OF_A_KIND_MAX;
  }

  add(trace: Trace): void {
    if (this.full(trace.what)) return;
    this.counts.set(trace.what, (this.counts.get(trace.what) ?? 0) + 1);
    this.list.push(trace);
  }

  /** A message with all that is known of it. */
  message(what: Trace["what"], lane: Lane, entry: number, more: Partial<Trace>): void {
    if (this.full(what)) return;
    const { entries, labels } = this;
    const known: Partial<Trace> = {};
    if (entries.sent[entry] !== 0) known.sent = entries.sent[entry]! / 1000;
    if (entries.acked[entry] !== 0) known.acked = entries.acked[entry]! / 1000;
    if (entries.seq[entry] !== 0) known.seq = entries.seq[entry]!;
    const from = labels.user(lane.sender.user);
    const to = labels.user(lane.sender.peer);
    this.add({ what, from, to, client_seq: entries.clientSeq[entry]!, intended: entries.intended[entry]! / 1000, ...known, ...more });
  }
}

/** What is counted here; optional only in results of before it was. */
export interface Found extends CheckCounts {
  heads_unchecked: number;
}

/** Adds to `counts` and `traces` what is wrong with all that is not out of the lanes' lists, and with heads. */
export function examine(
  lanes: readonly Lane[],
  conversations: readonly Conversation[],
  entries: Entries,
  counts: Found,
  traces: Traces,
): { counts: CheckCounts; traces: Trace[] } {
  for (const lane of lanes) examineLane(lane, entries, counts, traces);
  for (const conversation of conversations) examineConversation(conversation, counts, traces);
  return { counts, traces: traces.list };
}

function examineLane(lane: Lane, entries: Entries, counts: CheckCounts, traces: Traces): void {
  let last = lane.lastSeq;
  for (let entry = lane.head; entry !== NONE; entry = entries.next[entry]!) {
    const flags = entries.flags[entry]!;
    if ((flags & EntryFlag.Refused) !== 0) continue;
    if ((flags & EntryFlag.Acked) === 0) {
      counts.unacked++;
      traces.message("unacked", lane, entry, { detail: entries.sent[entry] === 0 ? "never left: its sender was not connected, or over its limits" : "" });
      continue;
    }
    const seq = entries.seq[entry]!;
    if (seq < last) {
      counts.out_of_order++;
      traces.message("out_of_order", lane, entry, { detail: `stands before a message that was sent before it, at ${last}` });
    }
    last = Math.max(last, seq);
    counts.lost += lane.receivers.length - entries.delivered[entry]!;
    for (const view of lane.receivers) {
      if (traces.full("lost") || wasDelivered(view, entries, entry)) continue;
      const detail = view.extras?.has(seq) ? "its row holds other bytes" : view.next > seq ? "its row holds another message" : "its row never came";
      traces.message("lost", lane, entry, { device: traces.labels.device(view.session), detail });
    }
  }
}

function examineConversation(conversation: Conversation, counts: Found, traces: Traces): void {
  const from = traces.labels.user(conversation.first);
  const to = traces.labels.user(conversation.second);
  for (const view of conversation.views) {
    for (const [seq, bytes] of view.extras ?? []) {
      counts.duplicated++;
      if (traces.full("duplicated")) continue;
      const detail = `a row that is no message, or one that is another row already: ${JSON.stringify(Buffer.from(bytes).toString())}`;
      traces.add({ what: "duplicated", from, to, device: traces.labels.device(view.session), seq, detail });
    }
  }
  if (conversation.head === HeadState.Unchecked) {
    if (conversation.left === 0) return;
    counts.heads_unchecked++;
    traces.add({ what: "head_unchecked", from, to, detail: `${conversation.acked} messages were acked, and nobody was told of a head` });
    return;
  }
  counts.heads_checked++;
  if (conversation.head === HeadState.Right) return;
  counts.heads_wrong++;
  traces.add({ what: "head_wrong", from, to, seq: conversation.headSeq, detail: `${conversation.acked} messages were acked` });
}

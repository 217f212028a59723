// A direct conversation as this driver sees it: one view for each session of its two users, and a lane for each direction
// that messages go in. Only conversations in which somebody talks have these objects.
import type { Entries } from "./entries.ts";
import { NONE } from "./entries.ts";

/** One direction: messages of one session, in the order in which they are numbered. */
export class Lane {
  readonly index: number;
  readonly conversation: Conversation;
  readonly sender: View;
  readonly receivers: View[];
  /** Messages meant so far; the last one's client_seq. */
  count: number;
  /** Entries that are not yet acked and delivered everywhere, oldest first. */
  head: number;
  tail: number;
  /** The oldest that is not acked. */
  unacked: number;
  /** The oldest that is to be written on the connection of now. */
  toSend: number;
  /** In its sender's list of lanes with something to write. */
  queued: boolean;
  /** OUT_OF_ORDER answers since the last ack. */
  disorders: number;
  left: number;
  acked: number;
  refused: number;
  /** Highest seq that an ack named; and that of the newest message that is out of the list. */
  ackedSeq: number;
  lastSeq: number;

  constructor(index: number, conversation: Conversation, sender: View, receivers: View[]) {
    this.index = index;
    this.conversation = conversation;
    this.sender = sender;
    this.receivers = receivers;
    this.count = 0;
    this.head = NONE;
    this.tail = NONE;
    this.unacked = NONE;
    this.toSend = NONE;
    this.queued = false;
    this.disorders = 0;
    this.left = 0;
    this.acked = 0;
    this.refused = 0;
    this.ackedSeq = 0;
    this.lastSeq = 0;
  }
}

export const HeadState = { Unchecked: 0, Right: 1, Wrong: 2 } as const;
export type HeadState = (typeof HeadState)[keyof typeof HeadState];

export class Conversation {
  readonly first: number;
  readonly second: number;
  readonly lanes: Lane[];
  readonly views: View[];
  head: HeadState;
  /** The head that was wrong. */
  headSeq: number;

  constructor(first: number, second: number) {
    this.first = first;
    this.second = second;
    this.lanes = [];
    this.views = [];
    this.head = HeadState.Unchecked;
    this.headSeq = 0;
  }

  /** Rows that the server said it has. */
  get acked(): number {
    let acked = 0;
    for (const lane of this.lanes) acked += lane.acked;
    return acked;
  }

  /** Rows that it may have at most. */
  get left(): number {
    let left = 0;
    for (const lane of this.lanes) left += lane.left - lane.refused;
    return left;
  }
}

/** A row that came before its turn: its bytes, or null for a message of one's own. */
export type HeldRow = Uint8Array | null;

export const Pull = { None: 0, Wanted: 1, Asked: 2 } as const;
export type Pull = (typeof Pull)[keyof typeof Pull];

/** What one session was shown of a conversation. */
export class View {
  readonly conversation: Conversation;
  readonly session: number;
  readonly user: number;
  readonly peer: number;
  /** Messages to this session, and from it. */
  incoming: Lane | null;
  outgoing: Lane | null;
  /** Seq of the next row to show. */
  next: number;
  /** Next entry of `incoming` to be delivered here; NONE: the next that there will be. */
  cursor: number;
  held: Map<number, HeldRow> | null;
  /** Rows are known to exist up to here. */
  known: number;
  /** Whether rows are being fetched, and since when there is a hole (ms). */
  pull: Pull;
  holeAt: number;
  // See ledger.ts.
  /** Rows that were shown before an ack, and the entries that they are taken for: seq, entry, seq, entry … */
  claims: number[] | null;
  /** Of the last few rows that were shown: seq, text, seq, text …, at places that the seq says. */
  recent: Int32Array | null;
  // What only faults need:
  /** Entries delivered out of their turn, and those whose turn passed without them. */
  ahead: Set<number> | null;
  missed: Set<number> | null;
  /** Rows that are nobody's, with their bytes. */
  extras: Map<number, Uint8Array> | null;
  /** Entries whose pushes never came, and which were asked for. */
  asked: Set<number> | null;

  constructor(conversation: Conversation, session: number, user: number, peer: number) {
    this.conversation = conversation;
    this.session = session;
    this.user = user;
    this.peer = peer;
    this.incoming = null;
    this.outgoing = null;
    this.next = 1;
    this.cursor = NONE;
    this.held = null;
    this.known = 0;
    this.pull = Pull.None;
    this.holeAt = 0;
    this.claims = null;
    this.recent = null;
    this.ahead = null;
    this.missed = null;
    this.extras = null;
    this.asked = null;
  }

  get behind(): boolean {
    return this.next <= this.known;
  }
}

/** Puts an entry at the end of its lane. */
export function append(lane: Lane, entries: Entries, entry: number): void {
  if (lane.tail === NONE) lane.head = entry;
  else entries.next[lane.tail] = entry;
  lane.tail = entry;
  if (lane.unacked === NONE) lane.unacked = entry;
  if (lane.toSend === NONE) lane.toSend = entry;
  const { receivers } = lane;
  for (let i = 0; i < receivers.length; i++) if (receivers[i]!.cursor === NONE) receivers[i]!.cursor = entry;
}

/** Whether the entry counts as delivered in this view. */
export function wasDelivered(view: View, entries: Entries, entry: number): boolean {
  if (view.ahead?.has(entry)) return true;
  if (view.cursor !== NONE && entries.clientSeq[view.cursor]! <= entries.clientSeq[entry]!) return false;
  return view.missed?.has(entry) !== true;
}

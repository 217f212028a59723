// A server as SPEC.md has it, in one piece and without I/O: conversations, numbering of Sends, heads, pages, checks, read
// positions. It answers frames by frames; the simulation delays, reorders, drops and cuts. Slow on purpose
// where that keeps it plain: it is what the client is compared with.
import { digestBytes, digestTerm, HASH_START, nextHash } from "../../proto/conversation-hash.ts";
import { directKey, directUsers } from "../../proto/conversation.ts";
import { ErrorCode, errorFrame } from "../../proto/error-code.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { hex } from "../../proto/hex.ts";
import { equalBytes } from "../encoding.ts";
import { sha256, utf8 } from "./harness.ts";
import type { Written } from "./harness.ts";

export interface ModelRow {
  readonly sender: string;
  readonly install: Uint8Array;
  readonly clientSeq: number;
  readonly time: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  readonly hash: Uint8Array;
}

interface ModelConversation {
  readonly key: Uint8Array;
  readonly users: readonly string[];
  readonly rows: ModelRow[];
  /** Rows below are committed: shown in heads and pages. */
  committed: number;
  /** Per user: the value of the server's counter when the last row was committed. */
  changed: number;
  /** Per install: what became of its numbers. */
  readonly numbers: Map<string, (number | ErrorCode)[]>;
  readonly reads: Map<string, number>;
}

/** What the model sends for which session, and how the network may treat it. */
export interface ModelOutput {
  readonly session: ModelSession;
  readonly frame: Uint8Array;
  readonly kind: "answer" | "push";
}

export interface ModelSession {
  readonly user: string;
  readonly device: string;
  readonly install: Uint8Array;
  readonly connection: number;
}

/** A Send of this kind is refused for good, and uses its number up. */
export const REFUSED_KIND = 5;
const REFUSED = -1;
const HEADS_PER_PAGE = 3;
const EPOCH = 7;
const text = new TextDecoder();

export class ModelServer {
  readonly conversations: Map<string, ModelConversation>;
  readonly sessions: Set<ModelSession>;
  private readonly rowsPerPage: () => number;
  private readonly requestsInFlightMax: number;
  private counter: number;
  private time: number;

  constructor(rowsPerPage: () => number, requestsInFlightMax: number) {
    this.requestsInFlightMax = requestsInFlightMax;
    this.conversations = new Map();
    this.sessions = new Set();
    this.rowsPerPage = rowsPerPage;
    this.counter = 0;
    this.time = 0;
  }

  /** A session begins; returns those that it replaces. */
  attach(hello: Written["body"], user: string): { session: ModelSession; replaced: ModelSession[]; outputs: ModelOutput[] } {
    const session: ModelSession = { user, device: text.decode(hello.device), install: new Uint8Array(hello.install), connection: hello.connection };
    const replaced = [...this.sessions].filter((other) => other.user === user && other.device === session.device && other.connection < session.connection);
    for (const other of replaced) this.sessions.delete(other);
    this.sessions.add(session);
    const welcome = encodeMessage(FrameType.Welcome, hawser.v1.Welcome, {
      version: 1,
      heartbeatMs: 30_000,
      user: utf8.encode(user),
      payloadBytesMax: 64 * 1024,
      requestsInFlightMax: this.requestsInFlightMax,
    });
    return { session, replaced, outputs: [{ session, frame: welcome, kind: "answer" }, this.heads(session, 0, hello.watermark)] };
  }

  detach(session: ModelSession): void {
    this.sessions.delete(session);
  }

  /** Handles one request. A Send's row is not committed yet: the simulation calls commit(). */
  request(session: ModelSession, request: Written): { outputs: ModelOutput[]; commit: (() => ModelOutput[]) | undefined } {
    const { type, ref, body } = request;
    if (type === FrameType.Send) return this.send(session, ref, body);
    const outputs: ModelOutput[] = [];
    if (type === FrameType.Sync) outputs.push(this.heads(session, ref, body.watermark));
    else if (type === FrameType.Fetch) outputs.push(this.page(session, ref, body));
    else if (type === FrameType.Check) outputs.push(this.check(session, ref, body));
    else if (type === FrameType.Read) outputs.push(...this.read(session, body));
    return { outputs, commit: undefined };
  }

  of(user: string): ModelConversation[] {
    return [...this.conversations.values()].filter((conversation) => conversation.users.includes(user));
  }

  peerOf(conversation: ModelConversation, user: string): string {
    return conversation.users.find((other) => other !== user) ?? user;
  }

  private send(session: ModelSession, ref: number, send: hawser.v1.Send): { outputs: ModelOutput[]; commit: (() => ModelOutput[]) | undefined } {
    const conversation = this.conversation(session.user, text.decode(send.peer));
    const install = hex(session.install);
    let numbers = conversation.numbers.get(install);
    if (numbers === undefined) conversation.numbers.set(install, (numbers = []));
    const answer = (frame: Uint8Array): { outputs: ModelOutput[]; commit: undefined } => ({ outputs: [{ session, frame, kind: "answer" }], commit: undefined });
    if (send.clientSeq > numbers.length + 1) return answer(errorFrame(ErrorCode.OutOfOrder, { ref, expected: numbers.length + 1 }));
    if (send.clientSeq === numbers.length + 1) {
      if (send.kind === REFUSED_KIND) numbers.push(REFUSED);
      else {
        numbers.push(this.append(conversation, session, send));
        this.time++;
      }
    }
    const seq = numbers[send.clientSeq - 1]!;
    if (seq === REFUSED) return answer(errorFrame(ErrorCode.Unsupported, { ref }));
    const row = conversation.rows[seq - 1]!;
    if (row.kind !== send.kind || !equalBytes(row.payload, send.payload)) return answer(errorFrame(ErrorCode.ClientSeqReused, { ref }));
    return {
      outputs: [],
      commit: () => {
        const outputs: ModelOutput[] = [];
        while (conversation.committed < seq) outputs.push(...this.commitNext(conversation));
        const sent = encodeMessage(FrameType.Sent, hawser.v1.Sent, { ref, seq, time: row.time, durability: 2 });
        outputs.push({ session, frame: sent, kind: "answer" });
        return outputs;
      },
    };
  }

  private append(conversation: ModelConversation, session: ModelSession, send: hawser.v1.Send): number {
    const seq = conversation.rows.length + 1;
    const payload = new Uint8Array(send.payload);
    const before = conversation.rows.at(-1)?.hash ?? HASH_START;
    const hash = nextHash(sha256, before, seq, utf8.encode(session.user), send.kind, this.time, sha256(payload));
    conversation.rows.push({ sender: session.user, install: session.install, clientSeq: send.clientSeq, time: this.time, kind: send.kind, payload, hash });
    return seq;
  }

  private commitNext(conversation: ModelConversation): ModelOutput[] {
    const seq = ++conversation.committed;
    conversation.changed = ++this.counter;
    const row = conversation.rows[seq - 1]!;
    const outputs: ModelOutput[] = [];
    for (const session of this.sessions) {
      if (!conversation.users.includes(session.user)) continue;
      // The session that sent it gets Sent alone; an install has one session at a time here.
      if (session.user === row.sender && equalBytes(session.install, row.install)) continue;
      const mine = session.user === row.sender;
      const push = {
        ...this.rowFields(conversation, seq, session.user),
        from: mine ? null : utf8.encode(row.sender),
        to: mine ? utf8.encode(this.peerOf(conversation, session.user)) : null,
      };
      outputs.push({ session, frame: encodeMessage(FrameType.Push, hawser.v1.Push, push), kind: "push" });
    }
    return outputs;
  }

  private rowFields(conversation: ModelConversation, seq: number, user: string): hawser.v1.Push.$Properties {
    const row = conversation.rows[seq - 1]!;
    const mine = row.sender === user;
    return {
      from: mine ? null : utf8.encode(row.sender),
      seq,
      time: row.time,
      kind: row.kind,
      payload: row.payload,
      install: mine ? row.install : null,
      clientSeq: mine ? row.clientSeq : 0,
    };
  }

  private heads(session: ModelSession, ref: number, watermark: Uint8Array): ModelOutput {
    const since = watermark.length === 9 && watermark[0] === EPOCH ? new DataView(watermark.buffer, watermark.byteOffset).getFloat64(1) : 0;
    const changed = this.of(session.user)
      .filter((conversation) => conversation.committed > 0 && conversation.changed > since)
      .sort((a, b) => a.changed - b.changed);
    const page = changed.slice(0, HEADS_PER_PAGE);
    const more = changed.length > page.length;
    const mark = new Uint8Array(9);
    mark[0] = EPOCH;
    new DataView(mark.buffer).setFloat64(1, more ? page.at(-1)!.changed : this.counter);
    const heads = page.map((conversation) => ({
      peer: utf8.encode(this.peerOf(conversation, session.user)),
      seq: conversation.committed,
      hash: conversation.rows[conversation.committed - 1]!.hash,
      time: conversation.rows[conversation.committed - 1]!.time,
      readSeq: conversation.reads.get(session.user) ?? 0,
    }));
    return { session, frame: encodeMessage(FrameType.Heads, hawser.v1.Heads, { ref, heads, watermark: mark, more }), kind: "answer" };
  }

  private page(session: ModelSession, ref: number, fetch: hawser.v1.Fetch): ModelOutput {
    const conversation = this.conversation(session.user, text.decode(fetch.peer));
    const most = Math.min(this.rowsPerPage(), fetch.limit || Number.POSITIVE_INFINITY);
    const head = conversation.committed;
    let from = fetch.fromSeq;
    let to = Math.min(head, from + most - 1);
    if (fetch.backward) {
      to = from === 0 ? head : Math.min(from, head);
      from = Math.max(1, to - most + 1);
    }
    const rows: hawser.v1.Push.$Properties[] = [];
    for (let seq = from; seq <= to; seq++) rows.push(this.rowFields(conversation, seq, session.user));
    const hashBefore = conversation.rows[from - 2]?.hash ?? HASH_START;
    const more = fetch.backward ? from > 1 : to < head;
    return { session, frame: encodeMessage(FrameType.Page, hawser.v1.Page, { peer: fetch.peer, ref, rows, hashBefore, headSeq: head, more }), kind: "answer" };
  }

  private check(session: ModelSession, ref: number, check: hawser.v1.Check): ModelOutput {
    const own = this.of(session.user).filter((conversation) => conversation.committed > 0);
    let sum = 0n;
    for (const conversation of own) sum += digestTerm(sha256, conversation.key, conversation.committed);
    if (check.count !== own.length || !equalBytes(check.digest, digestBytes(sum))) return this.heads(session, ref, new Uint8Array(0));
    return { session, frame: encodeMessage(FrameType.Checked, hawser.v1.Checked, { ref }), kind: "answer" };
  }

  private read(session: ModelSession, read: hawser.v1.Read): ModelOutput[] {
    const conversation = this.conversation(session.user, text.decode(read.peer));
    const seq = Math.min(read.seq, conversation.committed);
    if (seq <= (conversation.reads.get(session.user) ?? 0)) return [];
    conversation.reads.set(session.user, seq);
    // A device that was away learns it from the head (SPEC.md §8).
    conversation.changed = ++this.counter;
    const frame = encodeMessage(FrameType.Read, hawser.v1.Read, { peer: read.peer, seq });
    const others = [...this.sessions].filter((other) => other.user === session.user && other !== session);
    return others.map((other) => ({ session: other, frame, kind: "push" }));
  }

  private conversation(user: string, peer: string): ModelConversation {
    const key = directKey(utf8.encode(user), utf8.encode(peer));
    const name = hex(key);
    let conversation = this.conversations.get(name);
    if (conversation === undefined) {
      const users = directUsers(key).map((id) => text.decode(id));
      conversation = { key, users, rows: [], committed: 0, changed: 0, numbers: new Map(), reads: new Map() };
      this.conversations.set(name, conversation);
    }
    return conversation;
  }
}

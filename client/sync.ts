// Finds out what this client lacks: Sync for the heads of what changed, Check to be sure that nothing did (SPEC.md §8).
// The rows themselves are the fetcher's part.
//
//   Idle → Asked (heads awaited) → Due (next page of heads) → Asked … → Pulling (the last page came) → Idle
//
// Invariant: the watermark moves only from Pulling to Idle, when every row that the heads of that Sync announced was shown.
import type { Sha256 } from "../proto/conversation-hash.ts";
import { digestBytes, digestTerm } from "../proto/conversation-hash.ts";
import { encodeMessage } from "../proto/frame.ts";
import { FrameType } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";
import type { ConversationLog } from "./conversation-log.ts";
import { NO_BYTES } from "./message.ts";
import type { Outputs } from "./outputs.ts";
import { NEVER } from "./outputs.ts";
import type { Requests } from "./requests.ts";
import { ANSWER_MS, Request, RequestKind } from "./requests.ts";

const CHECK_EVERY_MS = 5 * 60_000;
/** After a refusal for good, which there should be none of. */
const REFUSED_MS = 30_000;
/** Of the interval of beats: Checks wait for a beat to take the place of, up to this. */
const REST_PATIENCE = 1.5;

const State = { Idle: 0, Due: 1, Asked: 2, Pulling: 3 } as const;
type State = (typeof State)[keyof typeof State];

/** What the digest of a Check is made from. */
export interface DigestSource {
  readonly digestSha256: Sha256;
  readonly meBytes: Uint8Array;
  logs(): Iterable<ConversationLog>;
}

export class Sync {
  private readonly outputs: Outputs;
  private readonly requests: Requests;
  private readonly random: () => number;
  private state: State;
  /** Asked: the number whose Heads are awaited; 0 for those of Hello. */
  private ref: number;
  /** Due: ask at this time, from `cursor`. Asked by Hello: give up waiting then. */
  private at: number;
  private cursor: Uint8Array;
  /** Pulling: the watermark to keep once nothing is waited for. */
  private reached: Uint8Array;
  /** Logs with rows of this Sync still to come. */
  private readonly waiting: Set<ConversationLog>;
  /** Interval of beats. Where it is longer than that of Checks, these take the place of beats, so that a phone at rest wakes its radio once, not twice. */
  restMs: number;
  private checkAt: number;
  private checkAsked: boolean;

  constructor(outputs: Outputs, requests: Requests, random: () => number) {
    this.outputs = outputs;
    this.requests = requests;
    this.random = random;
    this.state = State.Idle;
    this.ref = 0;
    this.at = NEVER;
    this.cursor = NO_BYTES;
    this.reached = NO_BYTES;
    this.waiting = new Set();
    this.restMs = 0;
    this.checkAt = NEVER;
    this.checkAsked = false;
  }

  /** Welcome came, and the Sync in Hello is under way, from `watermark`. */
  opened(watermark: Uint8Array, now: number): void {
    this.clearWaiting();
    this.checkAsked = false;
    this.checkAt = NEVER;
    this.cursor = watermark;
    this.state = State.Asked;
    this.ref = 0;
    this.at = now + ANSWER_MS;
    this.outputs.schedule(this.at);
  }

  /** A Resync came: begins a Sync anew, from the stored `watermark`. */
  restart(watermark: Uint8Array, now: number): void {
    this.clearWaiting();
    this.checkAsked = false;
    this.due(watermark, now);
  }

  /** Asks whether anything is missing; nothing to do while a Sync finds that out anyway. */
  check(now: number): void {
    if (this.state === State.Idle && !this.checkAsked) this.checkLater(now);
  }

  /** A head of the Sync under way: complete only when its row was shown. */
  announce(log: ConversationLog, seq: number): void {
    if (seq < log.next) return;
    log.syncTarget = Math.max(log.syncTarget, seq);
    this.waiting.add(log);
  }

  /** Rows of `log` were shown, or will not be. */
  advanced(log: ConversationLog, abandoned: boolean): void {
    if (log.syncTarget === 0 || (!abandoned && log.next <= log.syncTarget)) return;
    log.syncTarget = 0;
    this.waiting.delete(log);
  }

  /** A page of heads came; each head in it was announced before. */
  heads(ref: number, request: Request | undefined, watermark: Uint8Array, more: boolean, now: number): void {
    const answersCheck = request?.kind === RequestKind.Check && request.live;
    if (answersCheck) this.checkAsked = false;
    const current = this.state === State.Asked && ref === this.ref;
    if (!current && !(answersCheck && this.state === State.Idle)) return;
    if (more) this.due(new Uint8Array(watermark), now);
    else {
      this.state = State.Pulling;
      this.reached = new Uint8Array(watermark);
    }
  }

  /** The new watermark if the Sync is complete now, else undefined. */
  complete(now: number): Uint8Array | undefined {
    if (this.state !== State.Pulling || this.waiting.size > 0) return undefined;
    this.state = State.Idle;
    this.checked(now);
    return this.reached;
  }

  /** Checked came: nothing is missing. */
  checked(now: number): void {
    this.checkAsked = false;
    // Not all clients of a fleet at the same moment.
    const everyMs = this.restMs > CHECK_EVERY_MS ? this.restMs * REST_PATIENCE : CHECK_EVERY_MS;
    this.checkLater(now + everyMs * (0.9 + this.random() / 5));
  }

  /** A beat is due: whether a Check goes out in its place. */
  insteadOfBeat(now: number): boolean {
    if (this.restMs <= CHECK_EVERY_MS || this.state !== State.Idle || this.checkAsked) return false;
    this.checkLater(now);
    return true;
  }

  /** An Error without a number came: whether it answers the Sync of Hello. `waitMs` as for refused(). */
  refusedHello(waitMs: number | undefined, now: number): boolean {
    if (this.state !== State.Asked || this.ref !== 0) return false;
    this.due(this.cursor, now + (waitMs ?? REFUSED_MS));
    return true;
  }

  /** An Error answered a Sync or Check. `waitMs`: try again after that; undefined: it is no use. */
  refused(request: Request, waitMs: number | undefined, now: number): void {
    if (request.kind === RequestKind.Check) {
      this.checkAsked = false;
      this.checkLater(now + (waitMs ?? CHECK_EVERY_MS));
    } else if (this.state === State.Asked) this.due(this.cursor, now + (waitMs ?? REFUSED_MS));
  }

  /** A Sync or Check got no answer, or its number is void: it is to be asked again. */
  repeat(request: Request, now: number): void {
    if (request.kind === RequestKind.Sync) {
      if (this.state === State.Asked) this.due(this.cursor, now);
    } else if (request.kind === RequestKind.Check) {
      this.checkAsked = false;
      this.checkLater(now);
    }
  }

  /** Asks what may be asked now. */
  pump(source: DigestSource, now: number): void {
    if (this.state === State.Due && now >= this.at && this.requests.canAsk()) {
      const frame = encodeMessage(FrameType.Sync, hawser.v1.Sync, { watermark: this.cursor });
      this.ref = this.requests.ask(frame, new Request(RequestKind.Sync, undefined, undefined, undefined, 0, now));
      this.state = State.Asked;
      this.at = NEVER;
    }
    if (now >= this.checkAt && this.state === State.Idle && this.requests.canAsk()) this.writeCheck(source, now);
  }

  tick(now: number): void {
    // The Heads of Hello have no number to time out by.
    if (this.state === State.Asked && now >= this.at) this.due(this.cursor, now);
  }

  dueAt(): number {
    if (this.state === State.Idle) return this.checkAt;
    return this.state === State.Pulling ? NEVER : this.at;
  }

  private due(cursor: Uint8Array, at: number): void {
    this.state = State.Due;
    this.cursor = cursor;
    this.at = at;
    this.outputs.schedule(at);
  }

  private clearWaiting(): void {
    for (const log of this.waiting) log.syncTarget = 0;
    this.waiting.clear();
  }

  private checkLater(at: number): void {
    this.checkAt = at;
    this.outputs.schedule(at);
  }

  private writeCheck(source: DigestSource, now: number): void {
    let sum = 0n;
    let count = 0;
    for (const log of source.logs()) {
      if (log.next <= 1) continue;
      sum += digestTerm(source.digestSha256, log.keyBytes(source.meBytes), log.next - 1);
      count++;
    }
    const frame = encodeMessage(FrameType.Check, hawser.v1.Check, { digest: digestBytes(sum), count });
    this.requests.ask(frame, new Request(RequestKind.Check, undefined, undefined, undefined, 0, now));
    this.checkAsked = true;
    this.checkAt = NEVER;
  }
}

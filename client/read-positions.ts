// The user's own read positions on their way to the server (SPEC.md §9). They are not acknowledged: a Head says that
// one has arrived, a Head below ours brings it here again, and after anything that may have swallowed it (a new
// connection, a Resync) it is told once more. Several moves of one conversation within a moment are one Read.
import { FrameType } from "../proto/frame-type.ts";
import { encodeMessage } from "../proto/frame.ts";
import { hawser } from "../proto/gen/hawser.js";
import type { ConversationLog } from "./conversation-log.ts";
import { NEVER } from "./outputs.ts";
import type { Outputs } from "./outputs.ts";
import { address } from "./fetcher.ts";
import type { Requests } from "./requests.ts";

const GATHER_MS = 200;
/** Told in one go; the others follow, so that a return after long does not meet the server's rates. */
const TOLD_AT_ONCE = 64;

export class ReadPositions {
  private readonly outputs: Outputs;
  private readonly requests: Requests;
  /** In the order they are to be told. At most one entry a conversation. */
  private readonly untold: Set<ConversationLog>;
  /** Told, and not seen in a Head since. */
  private readonly unconfirmed: Set<ConversationLog>;
  private at: number;

  constructor(outputs: Outputs, requests: Requests) {
    this.outputs = outputs;
    this.requests = requests;
    this.untold = new Set();
    this.unconfirmed = new Set();
    this.at = NEVER;
  }

  add(log: ConversationLog, now: number): void {
    this.untold.add(log);
    if (this.at !== NEVER) return;
    this.at = now + GATHER_MS;
    this.outputs.schedule(this.at);
  }

  /** A Head named a position that is not below ours. */
  confirmed(log: ConversationLog): void {
    this.unconfirmed.delete(log);
    this.untold.delete(log);
  }

  /** What was told may be lost, or was refused for the next `waitMs`. */
  again(now: number, waitMs = 0): void {
    for (const log of this.unconfirmed) this.untold.add(log);
    if (this.untold.size === 0) return;
    this.at = Math.max(this.at === NEVER ? 0 : this.at, now + Math.max(waitMs, GATHER_MS));
    this.outputs.schedule(this.at);
  }

  /** Online: writes what waited long enough. */
  pump(now: number): void {
    if (now < this.at) return;
    this.at = NEVER;
    let told = 0;
    for (const log of this.untold) {
      if (++told > TOLD_AT_ONCE) {
        this.at = now + GATHER_MS;
        this.outputs.schedule(this.at);
        return;
      }
      this.untold.delete(log);
      this.unconfirmed.add(log);
      this.requests.tell(encodeMessage(FrameType.Read, hawser.v1.Read, { ...address(log), seq: log.readSeq }), now);
    }
  }

  /** Writes all now: the client is about to leave. */
  flush(now: number): void {
    while (this.untold.size > 0) {
      this.at = 0;
      this.pump(now);
    }
  }

  dueAt(): number {
    return this.at;
  }
}

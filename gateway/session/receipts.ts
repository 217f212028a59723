// Read positions that wait for one connection: the newest of each conversation is enough, and all of them together have little room. They come
// from a link that keeps order, so what comes later is newer.
import { receiptKey } from "./frame-kind.ts";

/** What a waiting receipt takes beside its bytes: key, map entry, view. */
export const RECEIPT_OVERHEAD_BYTES = 200;

export class Receipts {
  private readonly byConversation: Map<string, Uint8Array>;
  private total: number;

  constructor() {
    this.byConversation = new Map();
    this.total = 0;
  }

  get count(): number {
    return this.byConversation.size;
  }

  /** Memory that they take. */
  get bytes(): number {
    return this.total;
  }

  /** Keeps a copy of the frame in place of an older one of its conversation. False: there is no room for another conversation. */
  put(frame: Uint8Array, bytesMax: number): boolean {
    const key = receiptKey(frame);
    const older = this.byConversation.get(key);
    const more = older === undefined ? frame.length + RECEIPT_OVERHEAD_BYTES : frame.length - older.length;
    if (this.total + more > bytesMax) return false;
    // A copy of its own memory: the frame is a view of a whole batch.
    this.byConversation.set(key, Uint8Array.from(frame));
    this.total += more;
    return true;
  }

  /** Moves all of them to into[0 … count - 1]; returns count. */
  take(into: Uint8Array[]): number {
    let count = 0;
    for (const frame of this.byConversation.values()) into[count++] = frame;
    this.clear();
    return count;
  }

  clear(): void {
    this.byConversation.clear();
    this.total = 0;
  }
}

// A user's conversations with their heads, in key order: those on disk merged with those that no checkpoint has written.
import { compareBytes } from "../../proto/conversation.ts";
import { HASH_START } from "../../proto/conversation-hash.ts";
import { readHead } from "./conversation-state.ts";
import { storeError } from "./errors.ts";
import { headKey, memberConversation, memberRange } from "./keys.ts";
import { decodeMember, type Members } from "./members.ts";
import type { Overlay } from "./overlay.ts";
import type { Level, Reader } from "./reader.ts";
import type { StoredHead, StoredMembership } from "./store.ts";

interface Entry {
  readonly conversation: Uint8Array;
  member: boolean;
  readSeq: number;
}

const NO_ROWS: StoredHead = { seq: 0, hash: HASH_START, time: 0, uncounted: 0 };

export class Memberships {
  private readonly db: Level;
  private readonly reader: Reader;
  private readonly overlay: Overlay;
  private readonly members: Members;

  constructor(db: Level, reader: Reader, overlay: Overlay, members: Members) {
    this.db = db;
    this.reader = reader;
    this.overlay = overlay;
    this.members = members;
  }

  /** See Store.loadMemberships. A conversation without rows comes with a head of seq 0. */
  async load(user: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<StoredMembership[]> {
    if (limit < 1) return [];
    const memberships: StoredMembership[] = [];
    // Entries that are read positions only (of a user who is no member) are passed over, so one round may not be enough.
    for (let from = after; ; ) {
      const { entries, last } = await this.page(user, from, limit);
      const wanted = entries.filter((entry) => entry.member).slice(0, limit - memberships.length);
      memberships.push(...(await Promise.all(wanted.map((entry) => this.withHead(entry)))));
      if (last === undefined || memberships.length === limit) return memberships;
      from = last;
    }
  }

  /** Entries above `after`, in order; `last`: go on from there, undefined: these are all. */
  private async page(user: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<{ entries: Entry[]; last: Uint8Array | undefined }> {
    // Memory first: an entry leaves it only after it is on disk.
    const inMemory: Entry[] = this.members
      .of(user)
      .filter((entry) => after === undefined || compareBytes(entry.conversation, after) > 0)
      .map(({ conversation, member, readSeq }) => ({ conversation, member, readSeq }))
      .sort((a, b) => compareBytes(a.conversation, b.conversation));
    const stored = await this.stored(user, after, limit);
    const last = stored.length < limit ? undefined : stored.at(-1)!.conversation;
    const entries: Entry[] = [];
    let at = 0;
    for (const entry of stored) {
      while (at < inMemory.length && compareBytes(inMemory[at]!.conversation, entry.conversation) < 0) entries.push(inMemory[at++]!);
      const same = inMemory[at];
      if (same !== undefined && compareBytes(same.conversation, entry.conversation) === 0) {
        entry.member ||= same.member;
        entry.readSeq = Math.max(entry.readSeq, same.readSeq);
        at++;
      }
      entries.push(entry);
    }
    if (last === undefined) for (; at < inMemory.length; at++) entries.push(inMemory[at]!);
    return { entries, last };
  }

  private async stored(user: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<Entry[]> {
    const iterator = this.db.iterator({ ...memberRange(user, after), limit });
    try {
      const entries = await iterator.all();
      return entries.map(([key, value]) => {
        const conversation = memberConversation(key);
        return { conversation, ...decodeMember(user, conversation, value) };
      });
    } catch (error) {
      throw storeError("reading memberships", error);
    } finally {
      await iterator.close();
    }
  }

  /** Heads that are only read do not enter the overlay: a storm of syncs must not push out what is being written to. */
  private async withHead({ conversation, readSeq }: Entry): Promise<StoredMembership> {
    const state = this.overlay.find(conversation);
    if (state !== undefined) return { conversation, readSeq, head: state.head() ?? NO_ROWS };
    const value = await this.reader.get(headKey(conversation));
    return { conversation, readSeq, head: value === undefined ? NO_ROWS : readHead(conversation, value) };
  }
}

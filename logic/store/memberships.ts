// A user's conversations with their heads, in key order: those on disk merged with those that no checkpoint has written.
// Conversations are text here (latin1.ts), which sorts as their bytes do.
import { HASH_START } from "../../proto/conversation-hash.ts";
import { readHead } from "./head.ts";
import { anyMemberKey, headKey, memberConversation, memberRange } from "./keys.ts";
import { bytesOf, textOf } from "./latin1.ts";
import { decodeMember, type Members } from "./members.ts";
import type { Overlay } from "./overlay.ts";
import type { Reader } from "./reader.ts";
import type { StoredHead, StoredMembership } from "./store.ts";

interface Entry {
  readonly conversation: string;
  member: boolean;
  readSeq: number;
}

/** Two ids and a number: no entry has as many, so a range is never cut short by its bytes. */
const ENTRY_BYTES_MAX = 1024;

const NO_ROWS: StoredHead = { seq: 0, hash: HASH_START, time: 0, uncounted: 0 };

export class Memberships {
  private readonly reader: Reader;
  private readonly overlay: Overlay;
  private readonly members: Members;

  constructor(reader: Reader, overlay: Overlay, members: Members) {
    this.reader = reader;
    this.overlay = overlay;
    this.members = members;
  }

  /** See Store.loadMemberships. A conversation without rows comes with a head of seq 0. */
  async load(user: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<StoredMembership[]> {
    if (limit < 1) return [];
    const memberships: StoredMembership[] = [];
    // Entries that are read positions only (of a user who is no member) are passed over, so one round may not be enough.
    const userId = textOf(user);
    for (let from = after && textOf(after); ; ) {
      const { entries, last } = await this.page(userId, from, limit);
      const wanted = entries.filter((entry) => entry.member).slice(0, limit - memberships.length);
      memberships.push(...(await Promise.all(wanted.map((entry) => this.withHead(entry)))));
      if (last === undefined || memberships.length === limit) return memberships;
      from = last;
    }
  }

  /** Entries above `after`, in order; `last`: go on from there, undefined: these are all. */
  private async page(user: string, after: string | undefined, limit: number): Promise<{ entries: Entry[]; last: string | undefined }> {
    // Memory first: an entry leaves it only after it is on disk.
    const inMemory: Entry[] = this.members
      .of(user)
      .filter((entry) => after === undefined || entry.conversation > after)
      .map(({ conversation, member, readSeq }) => ({ conversation, member, readSeq }))
      .sort((a, b) => (a.conversation < b.conversation ? -1 : 1));
    // Who has some in memory has some on disk as a rule.
    const none = after === undefined && inMemory.length === 0 && !(await this.hasAny(user));
    const stored = none ? [] : await this.stored(user, after, limit);
    const last = stored.length < limit ? undefined : stored.at(-1)!.conversation;
    const entries: Entry[] = [];
    let at = 0;
    for (const entry of stored) {
      while (at < inMemory.length && inMemory[at]!.conversation < entry.conversation) entries.push(inMemory[at++]!);
      const same = inMemory[at];
      if (same?.conversation === entry.conversation) {
        entry.member ||= same.member;
        entry.readSeq = Math.max(entry.readSeq, same.readSeq);
        at++;
      }
      entries.push(entry);
    }
    if (last === undefined) for (; at < inMemory.length; at++) entries.push(inMemory[at]!);
    return { entries, last };
  }

  private async hasAny(user: string): Promise<boolean> {
    const value = await this.reader.get(anyMemberKey(user));
    if (value === undefined) return false;
    decodeMember(user, "", value);
    return true;
  }

  private async stored(user: string, after: string | undefined, limit: number): Promise<Entry[]> {
    const stored = await this.reader.range({ ...memberRange(user, after), limit, bytesMax: limit * ENTRY_BYTES_MAX });
    return stored.map(([key, value]) => {
      const conversation = memberConversation(key);
      return { conversation, ...decodeMember(user, conversation, value) };
    });
  }

  /** Heads that are only read do not enter the overlay: a storm of syncs must not push out what is being written to. */
  private async withHead({ conversation, readSeq }: Entry): Promise<StoredMembership> {
    const key = bytesOf(conversation);
    const state = this.overlay.find(conversation);
    if (state !== undefined) return { conversation: key, readSeq, head: state.head() ?? NO_ROWS };
    const value = await this.reader.get(headKey(conversation));
    return { conversation: key, readSeq, head: value === undefined ? NO_ROWS : readHead(conversation, value) };
  }
}

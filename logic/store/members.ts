// Memberships and read positions that no checkpoint has written yet. They merge (a membership is for ever, a read
// position only rises), so nothing has to be read to take one in: the checkpoint and the reader merge with what is on disk.
//
//   value on disk = envelope | twice the read position, plus 1 if the user is a member
//
// Beside the first entry of a user stands one without a conversation. Looking for it, among 128 others in one call and past
// LevelDB's filters, costs a tenth of finding an empty range: most of those who connect to a new service have no conversation.
import { varintBytes, writeVarint } from "../../proto/varint.ts";
import { ENVELOPE_BYTES, corrupt, seal, Tag, unseal } from "./envelope.ts";
import { memberKey } from "./keys.ts";
import { textOf } from "./latin1.ts";

/** What an entry takes in memory: resident bytes, measured over 100,000 of them. */
export const MEMBER_BYTES = 400;

export class MemberState {
  readonly user: string;
  readonly conversation: string;
  member: boolean;
  readSeq: number;
  /** Changed since a checkpoint took it up. */
  dirty: boolean;

  constructor(user: string, conversation: string) {
    this.user = user;
    this.conversation = conversation;
    this.member = false;
    this.readSeq = 0;
    this.dirty = false;
  }
}

export class Members {
  private readonly users: Map<string, Map<string, MemberState>>;
  private dirty: MemberState[];

  constructor() {
    this.users = new Map();
    this.dirty = [];
  }

  /** Takes in a Member (readSeq 0) or a Read record. Returns the bytes of memory it added. */
  merge(user: Uint8Array, conversation: Uint8Array, member: boolean, readSeq: number): number {
    const userId = textOf(user);
    let conversations = this.users.get(userId);
    if (conversations === undefined) {
      conversations = new Map();
      this.users.set(userId, conversations);
    }
    const id = textOf(conversation);
    let state = conversations.get(id);
    let bytes = 0;
    if (state === undefined) {
      state = new MemberState(userId, id);
      conversations.set(id, state);
    }
    if (!state.dirty) {
      state.dirty = true;
      this.dirty.push(state);
      bytes = MEMBER_BYTES;
    }
    if (member) state.member = true;
    if (readSeq > state.readSeq) state.readSeq = readSeq;
    return bytes;
  }

  /** The user's entries as they are now, in no order. */
  of(user: string): MemberState[] {
    const conversations = this.users.get(user);
    return conversations === undefined ? [] : [...conversations.values()];
  }

  takeDirty(): MemberState[] {
    const taken = this.dirty;
    this.dirty = [];
    return taken;
  }

  /** The entry is on disk as it was when `dirty` was cleared. */
  written(state: MemberState): void {
    if (state.dirty) return;
    const conversations = this.users.get(state.user);
    conversations?.delete(state.conversation);
    if (conversations?.size === 0) this.users.delete(state.user);
  }
}

export function encodeMember(member: boolean, readSeq: number): Uint8Array {
  const flagged = readSeq * 2 + (member ? 1 : 0);
  const value = Buffer.allocUnsafe(ENVELOPE_BYTES + varintBytes(flagged));
  return seal(value, writeVarint(value, ENVELOPE_BYTES, flagged), Tag.Member);
}

/** The value of anyMemberKey: that of a user who is no member of it. */
export const ANY_MEMBER = encodeMember(false, 0);

/** Throws StoreCorrupt. */
export function decodeMember(user: string, conversation: string, value: Uint8Array): { member: boolean; readSeq: number } {
  const key = memberKey(user, conversation);
  const reader = unseal(value, Tag.Member, "membership", key);
  try {
    const flagged = reader.varint();
    return { member: flagged % 2 === 1, readSeq: Math.floor(flagged / 2) };
  } catch (error) {
    throw corrupt("membership", key, (error as Error).message, error);
  }
}

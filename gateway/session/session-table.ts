// Every session of this gateway, one slot each, as a structure of typed arrays: what is looked at for each
// frame or delivery lies in a few dense arrays, and an idle session costs no object but its ids.
//
// Invariant: a slot is Free or in use. Its generation grows each time it is opened, so (slot, generation) never
// names two sessions; its ids are those of the session while the state is Ready.
import { shardOf, userKey } from "../../proto/conversation.ts";
import { Limits } from "../../proto/limits.ts";
import { IdSlab } from "./id-slab.ts";

export const SessionState = {
  Free: 0,
  /** Open, and its Hello has not come. */
  Hello: 1,
  /** Its token is being checked. */
  Verifying: 2,
  /** Welcome was written. */
  Ready: 3,
  /** Told to go; nothing of it counts any more. */
  Closing: 4,
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

/** Where in a slot's ids, from idsStart(slot) on, its install stands, and where its user; the device is behind the user. */
export const INSTALL_AT = 0;
export const USER_AT = Limits.installBytes;
const ID_BYTES_MAX = Limits.installBytes + 2 * Limits.idBytesMax;

/** shardOf over this many shards is the hash itself. */
const HASH_RANGE = 0x1_0000_0000;

export class SessionTable {
  readonly capacity: number;
  readonly state: Uint8Array;
  readonly generation: Uint32Array;
  /** Messages received after Hello. */
  readonly ref: Float64Array;
  /** When the token ends, ms on the gateway's clock; Infinity: never. */
  readonly expiresAt: Float64Array;
  /** Hash of the user's key: the shard is hash modulo shard count, known once an owner is. */
  readonly userHash: Uint32Array;
  readonly connection: Float64Array;
  /** Largest frame that the client wants. */
  readonly frameBytesMax: Uint32Array;
  /** Where in the slab the ids of each slot stand while it is Ready. */
  private readonly idsAt: Uint32Array;
  readonly userBytes: Uint8Array;
  readonly deviceBytes: Uint8Array;
  private readonly slab: IdSlab;
  /** Slots in use, and those of them that are Ready. */
  openCount: number;
  readyCount: number;
  /** No slot at or above this was ever used: where loops over all sessions end. */
  slotEnd: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.state = new Uint8Array(capacity);
    this.generation = new Uint32Array(capacity);
    this.ref = new Float64Array(capacity);
    this.expiresAt = new Float64Array(capacity);
    this.userHash = new Uint32Array(capacity);
    this.connection = new Float64Array(capacity);
    this.frameBytesMax = new Uint32Array(capacity);
    this.slab = new IdSlab(capacity, ID_BYTES_MAX);
    this.idsAt = new Uint32Array(capacity);
    this.userBytes = new Uint8Array(capacity);
    this.deviceBytes = new Uint8Array(capacity);
    this.openCount = 0;
    this.readyCount = 0;
    this.slotEnd = 0;
  }

  open(slot: number): void {
    if (this.state[slot] !== SessionState.Free) throw new Error(`slot ${slot} opened twice`);
    this.state[slot] = SessionState.Hello;
    this.generation[slot]!++;
    this.ref[slot] = 0;
    this.expiresAt[slot] = Number.POSITIVE_INFINITY;
    this.openCount++;
    if (slot >= this.slotEnd) this.slotEnd = slot + 1;
  }

  /** It is known who it is: ids of at most 64 bytes, an install of 8. */
  ready(slot: number, user: Uint8Array, device: Uint8Array, install: Uint8Array): void {
    this.state[slot] = SessionState.Ready;
    const at = this.slab.take(USER_AT + user.length + device.length);
    this.idsAt[slot] = at;
    const ids = this.ids(slot);
    const start = this.idsStart(slot);
    ids.set(install, start + INSTALL_AT);
    ids.set(user, start + USER_AT);
    ids.set(device, start + USER_AT + user.length);
    this.userBytes[slot] = user.length;
    this.deviceBytes[slot] = device.length;
    this.userHash[slot] = shardOf(userKey(user), HASH_RANGE);
    this.readyCount++;
  }

  closing(slot: number): void {
    if (this.state[slot] === SessionState.Ready) {
      this.readyCount--;
      this.slab.release(this.idsAt[slot]!, USER_AT + this.userBytes[slot]! + this.deviceBytes[slot]!);
    }
    this.state[slot] = SessionState.Closing;
  }

  /** The slots that are Ready, as they lie. */
  readySlots(): Uint32Array {
    const slots = new Uint32Array(this.readyCount);
    for (let slot = 0, at = 0; slot < this.slotEnd; slot++) if (this.state[slot] === SessionState.Ready) slots[at++] = slot;
    return slots;
  }

  /** Of a Ready session: the memory that its ids are in, from idsStart on. */
  ids(slot: number): Uint8Array {
    return this.slab.page(this.idsAt[slot]!);
  }

  idsStart(slot: number): number {
    return this.slab.start(this.idsAt[slot]!);
  }

  /** Of a Ready session: a view, valid while it is. */
  device(slot: number): Uint8Array {
    return this.view(slot, USER_AT + this.userBytes[slot]!, this.deviceBytes[slot]!);
  }

  install(slot: number): Uint8Array {
    return this.view(slot, INSTALL_AT, Limits.installBytes);
  }

  free(slot: number): void {
    if (this.state[slot] !== SessionState.Closing) this.closing(slot);
    this.state[slot] = SessionState.Free;
    this.openCount--;
  }

  /** Whether (slot, generation) names a session that may be written to. */
  isReady(slot: number, generation: number): boolean {
    return slot < this.capacity && this.state[slot] === SessionState.Ready && this.generation[slot] === generation;
  }

  private view(slot: number, at: number, length: number): Uint8Array {
    const start = this.idsStart(slot) + at;
    return this.ids(slot).subarray(start, start + length);
  }
}

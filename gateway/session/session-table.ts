// Every session of this gateway, one slot each, as a structure of typed arrays: what is looked at for each
// frame or delivery lies in a few dense arrays, and an idle session costs no object but its ids.
//
// Invariant: a slot is Free or in use. Its generation grows each time it is opened, so (slot, generation) never
// names two sessions; its ids are those of the session while the state is Ready.
import { shardOf, userKey } from "../../proto/conversation.ts";
import { Limits } from "../../proto/limits.ts";

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

/** Where the ids of a slot stand in its part of `ids`. */
export const USER_AT = 0;
export const DEVICE_AT = Limits.idBytesMax;
export const INSTALL_AT = 2 * Limits.idBytesMax;
export const ID_BYTES = 2 * Limits.idBytesMax + Limits.installBytes;

/** shardOf over this many shards is the hash itself. */
const HASH_RANGE = 0x1_0000_0000;

export class SessionTable {
  readonly capacity: number;
  readonly state: Uint8Array;
  readonly generation: Uint32Array;
  /** Messages received after Hello. */
  readonly ref: Float64Array;
  /** ms on the gateway's clock. */
  readonly lastReceivedAt: Float64Array;
  /** When the token ends, ms on the gateway's clock; Infinity: never. */
  readonly expiresAt: Float64Array;
  /** Hash of the user's key: the shard is hash modulo shard count, known once an owner is. */
  readonly userHash: Uint32Array;
  readonly connection: Float64Array;
  /** Largest frame that the client wants. */
  readonly frameBytesMax: Uint32Array;
  /** USER_AT, DEVICE_AT and INSTALL_AT in ID_BYTES for each slot. One block: three objects for each session would take more than everything else here. */
  readonly ids: Uint8Array;
  readonly userBytes: Uint8Array;
  readonly deviceBytes: Uint8Array;
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
    this.lastReceivedAt = new Float64Array(capacity);
    this.expiresAt = new Float64Array(capacity);
    this.userHash = new Uint32Array(capacity);
    this.connection = new Float64Array(capacity);
    this.frameBytesMax = new Uint32Array(capacity);
    this.ids = new Uint8Array(capacity * ID_BYTES);
    this.userBytes = new Uint8Array(capacity);
    this.deviceBytes = new Uint8Array(capacity);
    this.openCount = 0;
    this.readyCount = 0;
    this.slotEnd = 0;
  }

  open(slot: number, now: number): void {
    if (this.state[slot] !== SessionState.Free) throw new Error(`slot ${slot} opened twice`);
    this.state[slot] = SessionState.Hello;
    this.generation[slot]!++;
    this.ref[slot] = 0;
    this.lastReceivedAt[slot] = now;
    this.expiresAt[slot] = Number.POSITIVE_INFINITY;
    this.openCount++;
    if (slot >= this.slotEnd) this.slotEnd = slot + 1;
  }

  /** It is known who it is: ids of at most 64 bytes, an install of 8. */
  ready(slot: number, user: Uint8Array, device: Uint8Array, install: Uint8Array): void {
    this.state[slot] = SessionState.Ready;
    this.ids.set(user, slot * ID_BYTES + USER_AT);
    this.userBytes[slot] = user.length;
    this.ids.set(device, slot * ID_BYTES + DEVICE_AT);
    this.deviceBytes[slot] = device.length;
    this.ids.set(install, slot * ID_BYTES + INSTALL_AT);
    this.userHash[slot] = shardOf(userKey(user), HASH_RANGE);
    this.readyCount++;
  }

  closing(slot: number): void {
    if (this.state[slot] === SessionState.Ready) this.readyCount--;
    this.state[slot] = SessionState.Closing;
  }

  /** Of a Ready session: a view, valid while it is. */
  device(slot: number): Uint8Array {
    return this.view(slot, DEVICE_AT, this.deviceBytes[slot]!);
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
    const start = slot * ID_BYTES + at;
    return this.ids.subarray(start, start + length);
  }
}

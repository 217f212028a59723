// What must be true in the simulated world whatever happens, checked where it shows: a client may be shown only what
// is durable, at its place and as it was sent; an ack or a refusal must be what the store says; and at the end nothing
// that was sent is missing or there twice, and every device holds all of it.
import { directKey, directUsers } from "../../proto/conversation.ts";
import type { MemoryDisk } from "../../logic/testing/memory-disk.ts";

/** The world did what it must not. */
export class Violation extends Error {}

/** A row as a client has it. */
export interface SeenRow {
  readonly seq: number;
  readonly time: number;
  readonly kind: number;
  readonly sender: string;
  readonly payload: Uint8Array;
}

/** A message that an application sent, and what became of it. */
export interface Sending {
  readonly user: string;
  readonly install: Uint8Array;
  readonly peer: string;
  clientSeq: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  outcome: "open" | "sent" | "refused";
}

/** What the judge asks of a client at the end. */
export interface Holder {
  readonly name: string;
  readonly user: string;
  /** How many rows it was shown of the conversation with `peer`, from 1 on. */
  shownOf(peer: string): number;
  readOf(peer: string): number;
  /** Sends Reads again that may have been lost with their link, though no Head says so. */
  readonly repeatsReads: boolean;
}

export class Judge {
  readonly sendings: Sending[];
  private readonly disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.disk = disk;
    this.sendings = [];
  }

  sending(sending: Omit<Sending, "outcome">): Sending {
    const kept: Sending = { ...sending, outcome: "open" };
    this.sendings.push(kept);
    return kept;
  }

  /** What an application sent under that number. */
  find(user: string, install: Uint8Array, peer: string, clientSeq: number): Sending | undefined {
    return this.sendings.find(
      (sending) => sending.clientSeq === clientSeq && sending.peer === peer && sending.user === user && Buffer.compare(sending.install, install) === 0,
    );
  }

  /** Its client lost its store before it was told: it may be stored or not. */
  forget(sending: Sending): void {
    this.sendings.splice(this.sendings.indexOf(sending), 1);
  }

  shown(user: string, peer: string, seen: SeenRow): void {
    const kept = this.disk.row(keyOf(user, peer), seen.seq);
    if (kept === undefined) throw new Violation(`${user} was shown row ${seen.seq} with ${peer}, which is not durable`);
    const { row } = kept;
    const same = row.time === seen.time && row.kind === seen.kind && text(row.sender) === seen.sender && Buffer.compare(row.payload, seen.payload) === 0;
    if (!same) throw new Violation(`${user} was shown another row ${seen.seq} with ${peer} than is stored`);
  }

  acked(sending: Sending, seq: number, time: number | undefined): void {
    const stored = this.stored(sending);
    if (stored === undefined || !("row" in stored)) throw new Violation(`an ack of what is not stored: ${describe(sending)}`);
    if (stored.row.seq !== seq || (time !== undefined && stored.row.time !== time))
      throw new Violation(`an ack that is not the row's: ${describe(sending)} at ${seq}`);
    if (sending.outcome === "refused") throw new Violation(`sent and refused: ${describe(sending)}`);
    sending.outcome = "sent";
  }

  refused(sending: Sending, code: number): void {
    const stored = this.stored(sending);
    if (stored === undefined || !("refused" in stored)) throw new Violation(`a refusal that is not stored: ${describe(sending)}, ${code}`);
    if (stored.refused !== code) throw new Violation(`refused as ${code}, stored as ${stored.refused}: ${describe(sending)}`);
    if (sending.outcome === "sent") throw new Violation(`sent and refused: ${describe(sending)}`);
    sending.outcome = "refused";
  }

  /** A head, or the place before a page's rows. */
  hash(user: string, peer: string, seq: number, hash: Uint8Array): void {
    const stored = seq === 0 ? new Uint8Array(32) : this.disk.row(keyOf(user, peer), seq)?.hash;
    if (stored === undefined) throw new Violation(`${user} was told of row ${seq} with ${peer}, which is not durable`);
    if (Buffer.compare(stored, hash) !== 0) throw new Violation(`a wrong hash at row ${seq} of ${user} with ${peer}`);
  }

  /** Everything has come to rest: nothing is missing and nothing is twice. */
  atRest(holders: readonly Holder[]): void {
    for (const sending of this.sendings) {
      if (sending.outcome === "open") throw new Violation(`never answered: ${describe(sending)}`);
      const stored = this.stored(sending);
      if (stored === undefined) throw new Violation(`answered and lost: ${describe(sending)}`);
      if ("row" in stored && Buffer.compare(stored.row.payload, sending.payload) !== 0) throw new Violation(`stored otherwise: ${describe(sending)}`);
    }
    for (const holder of holders) this.complete(holder);
  }

  private complete(holder: Holder): void {
    for (const key of this.disk.keys()) {
      const members = directUsers(key).map((member) => text(member));
      if (!members.includes(holder.user)) continue;
      const peer = members[0] === holder.user ? members[1]! : members[0]!;
      const seq = this.disk.head(key)?.seq ?? 0;
      if (holder.shownOf(peer) !== seq) throw new Violation(`${holder.name} holds ${holder.shownOf(peer)} of ${seq} rows with ${peer}`);
    }
  }

  /** What the store says of each message that was sent at all: rows with the same content must be one. */
  nothingTwice(): void {
    const seen = new Set<string>();
    for (const key of this.disk.keys()) {
      for (const row of this.disk.rows(key)) {
        const content = `${text(key)} ${text(row.sender)} ${text(row.payload)}`;
        if (seen.has(content)) throw new Violation(`there twice: ${content}`);
        seen.add(content);
      }
    }
  }

  /** The devices of a user agree with each other and with the store on what was read. */
  readPositions(holders: readonly Holder[]): void {
    for (const holder of holders) {
      for (const key of this.disk.keys()) {
        const members = directUsers(key).map((member) => text(member));
        if (!members.includes(holder.user)) continue;
        const peer = members[0] === holder.user ? members[1]! : members[0]!;
        const stored = this.disk.readSeq(Buffer.from(holder.user), key);
        const read = holder.readOf(peer);
        if (holder.repeatsReads ? read !== stored : read < stored)
          throw new Violation(`${holder.name} has read ${read} with ${peer}, the store says ${stored}`);
      }
    }
  }

  private stored(sending: Sending) {
    return this.disk.send(keyOf(sending.user, sending.peer), sending.install, sending.clientSeq);
  }
}

function keyOf(user: string, peer: string): Uint8Array {
  return directKey(Buffer.from(user), Buffer.from(peer));
}

function describe({ user, install, peer, clientSeq }: Sending): string {
  return `Send ${clientSeq} of ${user} (${text(install.subarray(0, 4), "hex")}) to ${peer}`;
}

function text(bytes: Uint8Array, encoding: BufferEncoding = "latin1"): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(encoding);
}

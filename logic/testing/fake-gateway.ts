// A gateway as the shard cores see it: keeps what each session was sent, decoded, in order.
import { Session, type SessionGateway } from "../shard/session.ts";
import { readFrame, type ServerFrame } from "./frames.ts";

export type Delivered = ServerFrame & { session: Session; deliveryClass: number };

export class FakeGateway implements SessionGateway {
  /** Everything delivered and not yet taken. */
  delivered: Delivered[];
  /** How often a frame was handed over for one or several sessions. */
  calls: number;
  readonly over: boolean;
  private slots: number;

  constructor() {
    this.delivered = [];
    this.calls = 0;
    this.over = false;
    this.slots = 0;
  }

  deliver(session: Session, frame: Uint8Array, deliveryClass: number): void {
    this.calls++;
    this.delivered.push({ ...readFrame(frame), session, deliveryClass });
  }

  deliverMany(sessions: readonly Session[], frame: Uint8Array, deliveryClass: number): void {
    this.calls++;
    for (const session of sessions) this.delivered.push({ ...readFrame(frame), session, deliveryClass });
  }

  /** A new connection of that user. `install` names eight bytes by one number. */
  session(user: string, install: number, fields: { device?: string; connection?: number; reported?: boolean; frameBytesMax?: number } = {}): Session {
    const slot = this.slots++;
    return new Session({
      gateway: this,
      slot,
      generation: 1,
      user: Buffer.from(user),
      install: installOf(install),
      device: Buffer.from(fields.device ?? `device-${install}`),
      connection: fields.connection ?? 1,
      reported: fields.reported ?? false,
      frameBytesMax: fields.frameBytesMax ?? 512 * 1024,
    });
  }

  /** What was delivered since the last call. */
  take(): Delivered[] {
    const taken = this.delivered;
    this.delivered = [];
    return taken;
  }

  /** The same in short, for comparisons: "Sent 1 seq 1", "OUT_OF_ORDER 2 expects 1", "Push 3". */
  takeShort(): string[] {
    return this.take().map(short);
  }
}

/** Eight bytes of an install. */
export function installOf(install: number): Uint8Array {
  const bytes = new Uint8Array(8).fill(0x1d);
  new DataView(bytes.buffer).setUint32(0, install);
  return bytes;
}

const ERROR_NAMES: Record<number, string> = {
  8: "REPLACED",
  10: "BAD_REQUEST",
  12: "BUSY",
  13: "OUT_OF_ORDER",
  14: "CLIENT_SEQ_REUSED",
  15: "PAYLOAD_TOO_LARGE",
  16: "BAD_TEXT",
  17: "NOT_MEMBER",
  18: "FORBIDDEN",
  19: "UNSUPPORTED",
  22: "TOO_MANY_CONNECTIONS",
  23: "INTERNAL",
};

/** One delivery in words. */
export function short({ type, message }: ServerFrame): string {
  switch (type) {
    case "Error":
      return `${ERROR_NAMES[message.code] ?? message.code} ${message.ref}${message.expected > 0 ? ` expects ${message.expected}` : ""}`;
    case "Sent":
      return `Sent ${message.ref} seq ${message.seq}`;
    case "Push":
      return `Push ${message.seq}`;
    case "Heads":
      return `Heads ${message.ref} of ${message.heads.length}${message.more ? " more" : ""}`;
    case "Page":
      return `Page ${message.ref} rows ${message.rows.map((row) => row.seq).join()} head ${message.headSeq}${message.more ? " more" : ""}`;
    case "Checked":
      return `Checked ${message.ref}`;
    case "Read":
      return `Read ${message.seq}`;
    case "Resync":
      return "Resync";
  }
}

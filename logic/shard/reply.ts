// Answers as whole wire frames, straight to the session that asked.
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { type ErrorCode, type ErrorFields, errorFrame } from "../../proto/error-code.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import type { Session } from "./session.ts";

/** What an ack promises. One synced store: fsync. */
const DURABILITY_FSYNC = 2;

export function replyError(session: Session, code: ErrorCode, ref: number, fields: ErrorFields = {}): void {
  session.gateway.deliver(session, errorFrame(code, { ...fields, ref }), DeliveryClass.Control);
}

export function replySent(session: Session, ref: number, seq: number, time: number): void {
  const frame = encodeMessage(FrameType.Sent, hawser.v1.Sent, { ref, seq, time, durability: DURABILITY_FSYNC });
  session.gateway.deliver(session, frame, DeliveryClass.Control);
}

/** The frame is the last that the session gets, and nothing more is taken from it. Its gateway detaches it. */
export function closeSession(session: Session, frame: Uint8Array): void {
  session.closing = true;
  session.gateway.deliver(session, frame, DeliveryClass.Close);
}

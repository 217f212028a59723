// Answers as whole wire frames, straight to the session that asked.
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { type ErrorCode, type ErrorFields, errorFrame } from "../../proto/error-code.ts";
import { sentFrame } from "./frames.ts";
import type { Session } from "./session.ts";

export function replyError(session: Session, code: ErrorCode, ref: number, fields: ErrorFields = {}): void {
  session.gateway.deliver(session, errorFrame(code, { ...fields, ref }), DeliveryClass.Control);
}

/** The ack of a Send. `durability`: what the store promises of a commit, as hawser.v1.Durability. */
export function replySent(session: Session, ref: number, seq: number, time: number, durability: number): void {
  session.gateway.deliver(session, sentFrame(ref, seq, time, durability), DeliveryClass.Control);
}

/** The frame is the last that the session gets, and nothing more is taken from it. Its gateway detaches it. */
export function closeSession(session: Session, frame: Uint8Array): void {
  session.closing = true;
  session.gateway.deliver(session, frame, DeliveryClass.Close);
}

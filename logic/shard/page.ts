// The Page that answers a Fetch. What a viewer sees of a row depends on whether it is their own: own rows carry install and
// number, others' rows carry the sender.
import { compareBytes } from "../../proto/conversation.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import type { PageQuery, Row, StoredPage } from "../store/store.ts";
import { nameFor } from "./naming.ts";

/** The Page frame that answers a Fetch of `viewer`. `committedSeq`: the head when it was asked; the page may have got further. */
export function pageFrame(viewer: Uint8Array, ref: number, key: Uint8Array, committedSeq: number, query: PageQuery, page: StoredPage): Uint8Array {
  const rows = page.rows.map((row) => (compareBytes(row.sender, viewer) === 0 ? ownRow(row) : othersRow(row)));
  const first = page.rows[0]?.seq ?? 0;
  const last = page.rows.at(-1)?.seq ?? 0;
  const headSeq = Math.max(committedSeq, last);
  const more = page.rows.length > 0 && (query.backward ? first > 1 : last < headSeq);
  return encodeMessage(FrameType.Page, hawser.v1.Page, { ...nameFor(key, viewer), ref, rows, hashBefore: page.hashBefore, headSeq, more });
}

function ownRow(row: Row): hawser.v1.Push.$Properties {
  const { seq, time, kind, payload, install, clientSeq, uncounted } = row;
  return { seq, time, kind, payload, install, clientSeq, uncounted };
}

function othersRow(row: Row): hawser.v1.Push.$Properties {
  const { sender, seq, time, kind, payload, uncounted } = row;
  return { from: sender, seq, time, kind, payload, uncounted };
}

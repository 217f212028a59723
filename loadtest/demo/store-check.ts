// Looks every acked message up in a store that is closed: what an ack promised must be there.
import { directKey, idBytes } from "../../proto/conversation.ts";
import { hex } from "../../proto/hex.ts";
import { readAllRows } from "../../logic/store/inspect.ts";
import type { SentMessage } from "./ledger.ts";

/** A line for each acked message that is not in the store under its seq, with its text and sender. */
export async function missingFromStore(dir: string, acked: readonly SentMessage[]): Promise<string[]> {
  const expected = new Map<string, SentMessage>();
  for (const message of acked) expected.set(`${hex(directKey(idBytes(message.from), idBytes(message.to)))} ${message.seq}`, message);
  const wrong: string[] = [];
  for await (const { conversation, row } of readAllRows(dir)) {
    const name = `${hex(conversation)} ${row.seq}`;
    const message = expected.get(name);
    if (message === undefined) continue;
    expected.delete(name);
    const same = Buffer.from(row.payload).equals(Buffer.from(message.text)) && Buffer.from(row.sender).equals(Buffer.from(message.from));
    if (!same) wrong.push(`the store holds another message at seq ${row.seq}, where message ${message.index} was acked`);
  }
  for (const message of expected.values()) wrong.push(`message ${message.index} was acked with seq ${message.seq} and is not in the store`);
  return wrong;
}

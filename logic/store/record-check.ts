// Whether a record of a commit can be stored at all. What fails here is a mistake of the caller: RangeError.
import { ID_BYTES_MAX, INSTALL_BYTES } from "./keys.ts";
import { RecordType, type RefusalRecord, type Row, type RowRecord } from "./store.ts";

/** The install whose number the record uses; undefined for a row that the server wrote itself. */
export function usedInstall(record: RowRecord | RefusalRecord): Uint8Array | undefined {
  if (record.type === RecordType.Refusal) {
    checkLength("an install", record.install, INSTALL_BYTES, INSTALL_BYTES);
    return record.install;
  }
  const { install, clientSeq } = record.row;
  if (clientSeq === 0) return undefined;
  checkLength("an install", install, INSTALL_BYTES, INSTALL_BYTES);
  return install;
}

export function checkRow(row: Row): void {
  checkLength("a sender", row.sender, 0, ID_BYTES_MAX);
  checkLength("an install", row.install, 0, ID_BYTES_MAX);
  checkInteger("a time", row.time);
  checkInteger("a kind", row.kind);
  checkInteger("a client seq", row.clientSeq);
  checkInteger("a count", row.uncounted);
}

export function checkLength(what: string, bytes: Uint8Array, min: number, max: number): void {
  if (bytes.length < min || bytes.length > max) throw new RangeError(`${what} of ${bytes.length} bytes`);
}

export function checkInteger(what: string, n: number): void {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`${what} that is no whole number: ${n}`);
}

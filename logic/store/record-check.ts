// Whether a record can be stored at all, before anything is looked up for it. What fails here is a mistake of the caller:
// RangeError.
import { ID_BYTES_MAX, INSTALL_BYTES } from "./keys.ts";
import { RecordType, type RefusalRecord, type Row, type RowRecord, type StoreRecord } from "./store.ts";

const UINT32_MAX = 0xffff_ffff;
/** Of seqs: they have six bytes in keys. */
const UINT48_MAX = 0xffff_ffff_ffff;

export function checkRecord(record: StoreRecord): void {
  checkLength("a conversation key", record.conversation, 1, ID_BYTES_MAX);
  switch (record.type) {
    case RecordType.Row:
      checkRow(record.row);
      checkLength("a hash", record.hash, 32, 32);
      return;
    case RecordType.Refusal:
      checkLength("an install", record.install, INSTALL_BYTES, INSTALL_BYTES);
      checkNumber("a client seq", record.clientSeq, 1, Number.MAX_SAFE_INTEGER);
      checkNumber("a code", record.code, 0, UINT32_MAX);
      return;
    case RecordType.Member:
    case RecordType.Read:
      checkLength("a user id", record.user, 1, ID_BYTES_MAX);
      if (record.type === RecordType.Read) checkNumber("a read position", record.seq, 0, UINT48_MAX);
      return;
  }
}

/** The install whose number the record uses; undefined for a row that the server wrote itself. */
export function usedInstall(record: RowRecord | RefusalRecord): Uint8Array | undefined {
  if (record.type === RecordType.Refusal) return record.install;
  return record.row.clientSeq === 0 ? undefined : record.row.install;
}

function checkRow(row: Row): void {
  checkNumber("a seq", row.seq, 1, UINT48_MAX);
  checkNumber("a client seq", row.clientSeq, 0, Number.MAX_SAFE_INTEGER);
  checkNumber("a time", row.time, 0, Number.MAX_SAFE_INTEGER);
  checkNumber("a kind", row.kind, 0, UINT32_MAX);
  checkNumber("a count", row.uncounted, 0, UINT48_MAX);
  checkLength("a sender", row.sender, 0, ID_BYTES_MAX);
  checkLength("an install", row.install, row.clientSeq === 0 ? 0 : INSTALL_BYTES, INSTALL_BYTES);
}

function checkLength(what: string, bytes: Uint8Array, min: number, max: number): void {
  if (bytes.length < min || bytes.length > max) throw new RangeError(`${what} of ${bytes.length} bytes`);
}

function checkNumber(what: string, n: number, min: number, max: number): void {
  if (!Number.isInteger(n) || n < min || n > max) throw new RangeError(`${what} that is not from ${min} to ${max}: ${n}`);
}

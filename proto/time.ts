// Time on the wire: milliseconds since 2025-01-01T00:00:00Z, which keeps a time at six varint bytes.

export const WIRE_EPOCH_MS = Date.UTC(2025, 0, 1);

/** Milliseconds since 1970 to wire time; before 2025 counts as 0. */
export function toWireTime(unixMs: number): number {
  return Math.max(0, Math.floor(unixMs - WIRE_EPOCH_MS));
}

/** Wire time to milliseconds since 1970. */
export function fromWireTime(wireMs: number): number {
  return wireMs + WIRE_EPOCH_MS;
}

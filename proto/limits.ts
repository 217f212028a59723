// Every bound of the protocol and the fabric in one place, with the relations between them asserted at
// start. Units stand at the end of the names.

export const Limits = {
  frameBytesMax: 512 * 1024,
  frameBytesMaxBeforeWelcome: 8 * 1024,
  frameBytesWantedMin: 4 * 1024,
  pipelinedBytesMax: 16 * 1024,
  tokenBytesMax: 4 * 1024,
  idBytesMax: 64,
  installBytes: 8,
  watermarkBytesMax: 64,
  payloadBytesMax: 64 * 1024,
  pageBytesMax: 64 * 1024,
  headsPerPageMax: 500,
  requestsInFlightMax: 256,
  dictionaryBytesMax: 32 * 1024,
  dictionaryIdBytes: 8,
  /** Ids in a Hello beyond these are not looked at. */
  dictionariesPerHelloMax: 16,
  handshakeMs: 10_000,
  /** Batches on the fabric are cut below this; NATS refuses messages above 1 MiB by default. */
  fabricBatchBytesMax: 768 * 1024,
  shardCountDefault: 256,
  /** Connections of one gateway have slots below this: what logic keeps by slot has a bound. */
  gatewaySlotsMax: 16_777_216,
} as const;

/** How long the server waits for a byte of a client whose beats are due every `heartbeatMs` (SPEC.md §10). */
export function idleDeadlineMs(heartbeatMs: number): number {
  return heartbeatMs * 1.5 + 10_000;
}

function require(condition: boolean, relation: string): void {
  if (!condition) throw new Error(`limits do not fit together: ${relation}`);
}
require(Limits.payloadBytesMax + 1024 <= Limits.frameBytesMax, "a payload with its envelope fits a frame");
require(Limits.pageBytesMax + Limits.payloadBytesMax + 4096 <= Limits.frameBytesMax, "a page and one more row fit a frame");
require(Limits.frameBytesMax + 64 * 1024 <= Limits.fabricBatchBytesMax, "a frame with its envelope fits a fabric batch");
require(Limits.tokenBytesMax + 1024 <= Limits.frameBytesMaxBeforeWelcome, "a Hello with the longest token fits");

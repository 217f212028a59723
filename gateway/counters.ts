// What the gateway counts, as plain numbers in typed arrays: the hot path adds one and goes on; metrics.ts turns
// them into Prometheus metrics when somebody asks.
import { DELIVERY_CLASSES } from "../proto/delivery-class.ts";
import { ErrorCode } from "../proto/error-code.ts";
import { TYPE_MASK } from "../proto/frame-type.ts";

/** Why a connection ended, where no error says it. Stand behind the error codes in `closes`. */
export const CloseReason = { Peer: 0, Drained: 30, Other: 31 } as const;
export const CLOSE_REASONS = 32;

/** What became of a delivery that was not written. */
export const DropReason = {
  /** The session is gone, or its slot somebody else's. */
  Stale: 0,
  /** A push or receipt for a lagging connection. */
  Lagging: 1,
  /** A receipt for which there was no room: a Resync makes up for it. */
  Receipt: 2,
  /** Something ephemeral for a connection that others wait for. */
  Ephemeral: 3,
} as const;

/** Of compression. */
export class CompressionCounters {
  framesOut = 0;
  /** Tried, and not smaller. */
  framesInVain = 0;
  bytesSaved = 0;
  framesIn = 0;
  bytesInflated = 0;
  dictionariesSent = 0;
}

export class Counters {
  /** By frame type; 0 are beats. */
  readonly framesIn: Float64Array;
  readonly framesOut: Float64Array;
  readonly bytesOut: Float64Array;
  /** By ErrorCode, and CloseReason. */
  readonly closes: Float64Array;
  /** Errors answered to requests, by ErrorCode. */
  readonly refusals: Float64Array;
  /** Failed authentications by ErrorCode. */
  readonly authFailures: Float64Array;
  readonly drops: Float64Array;
  readonly deliveries: Float64Array;
  readonly compression: CompressionCounters;
  accepted: number;
  resyncs: number;
  badBatches: number;

  constructor() {
    this.framesIn = new Float64Array(TYPE_MASK + 1);
    this.framesOut = new Float64Array(TYPE_MASK + 1);
    this.bytesOut = new Float64Array(1);
    this.closes = new Float64Array(CLOSE_REASONS);
    this.refusals = new Float64Array(ErrorCode.Internal + 1);
    this.authFailures = new Float64Array(ErrorCode.Internal + 1);
    this.drops = new Float64Array(4);
    this.deliveries = new Float64Array(DELIVERY_CLASSES);
    this.compression = new CompressionCounters();
    this.accepted = 0;
    this.resyncs = 0;
    this.badBatches = 0;
  }
}

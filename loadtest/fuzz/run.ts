// Runs fuzz targets from one seed, in slices, so that whoever drives it can show progress and stop. The same seed
// gives the same inputs; a failure is reported as the input itself, made small, and needs no seed.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Random } from "../../proto/testing/random.ts";
import { DeflateTarget } from "./deflate-target.ts";
import { FrameTarget } from "./frame-target.ts";
import { HeartbeatTarget } from "./heartbeat-target.ts";
import { MessageTarget } from "./message-target.ts";
import { ProxyTarget } from "./proxy-target.ts";
import { SessionTarget } from "./session-target.ts";
import { failureOf, shrink } from "./shrink.ts";
import type { FuzzTarget } from "./target.ts";

/** Every target by its name on the command line. */
export const TARGETS: Readonly<Record<string, () => FuzzTarget>> = {
  frame: () => new FrameTarget(),
  message: () => new MessageTarget(),
  session: () => new SessionTarget(),
  proxy: () => new ProxyTarget(),
  deflate: () => new DeflateTarget(),
  heartbeat: () => new HeartbeatTarget(),
};

/** Live memory may grow so much from warm to done: caches and the shape of the heap, not a leak per input. */
export const GROWTH_BYTES_MAX = 16 * 1024 * 1024;
const SHRINK_TRIES_MAX = 20_000;
/** Cases between two looks at the clock. */
const ROUND = 64;

export interface FuzzFailure {
  readonly target: string;
  readonly rule: string;
  readonly stack: string;
  /** The input as it was found, and made small. */
  readonly found: Uint8Array;
  readonly minimal: Uint8Array;
}

/**
 * One target's share of a run. What is counted as inputs are the chunks, bodies and events that the cases of a
 * target consist of.
 */
export class FuzzRun {
  readonly target: FuzzTarget;
  readonly inputsWanted: number;
  inputs: number;
  cases: number;
  elapsedMs: number;
  failure: FuzzFailure | undefined;
  private readonly random: Random;
  private readonly collect: () => void;
  /** Live bytes when a tenth was done; 0: it is not. */
  private bytesWarm: number;

  constructor(target: FuzzTarget, seed: number, inputsWanted: number) {
    this.target = target;
    this.inputsWanted = inputsWanted;
    this.inputs = 0;
    this.cases = 0;
    this.elapsedMs = 0;
    this.failure = undefined;
    this.random = new Random(seed);
    this.collect = collector();
    this.bytesWarm = 0;
  }

  get done(): boolean {
    return this.failure !== undefined || this.inputs >= this.inputsWanted;
  }

  /** Works for about `ms`. */
  slice(ms: number): void {
    const start = performance.now();
    const traceLimit = Error.stackTraceLimit;
    // Most bodies are refused by an exception, and a stack costs more than the refusal.
    Error.stackTraceLimit = 0;
    try {
      for (let now = start; !this.done && now - start < ms; now = performance.now()) {
        for (let i = 0; i < ROUND && !this.done; i++) this.one();
      }
    } finally {
      Error.stackTraceLimit = traceLimit;
    }
    this.elapsedMs += performance.now() - start;
    if (this.failure !== undefined) this.failure = this.explain(this.failure.found);
    if (this.bytesWarm === 0 && this.inputs >= this.inputsWanted / 10) this.bytesWarm = this.liveBytes();
  }

  /** Live bytes now beyond those when a tenth was done. Collects garbage. */
  growthBytes(): number {
    return this.bytesWarm === 0 ? 0 : this.liveBytes() - this.bytesWarm;
  }

  private one(): void {
    const input = this.target.generate(this.random);
    this.cases++;
    try {
      this.inputs += this.target.check(input);
    } catch {
      // Looked at again, with its stack, in `explain`.
      this.failure = { target: this.target.name, rule: "", stack: "", found: input.slice(), minimal: input };
    }
  }

  private explain(found: Uint8Array): FuzzFailure {
    const minimal = shrink(this.target, found, SHRINK_TRIES_MAX);
    const error = failureOf(this.target, minimal.slice()) ?? new Error("fails only sometimes: the outcome depends on more than the input");
    return { target: this.target.name, rule: error.message, stack: error.stack ?? "", found, minimal };
  }

  private liveBytes(): number {
    // Memory of buffers that one collection finds dead is given back beside it, and seen to be gone by the next.
    for (let i = 0; i < 3; i++) this.collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  }
}

/** The garbage collector as a function, without a flag on the command line. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

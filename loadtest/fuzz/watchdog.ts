// Sees an input that never comes back: the fuzzer's own thread cannot, so a worker looks at memory that both share.
// What it finds it prints, and ends the process, since nothing else can.
import { Worker } from "node:worker_threads";
import type { Random } from "../../proto/testing/random.ts";
import type { FuzzTarget } from "./target.ts";

/** The slowest inputs that targets make take a few hundredths of a second. */
const HANG_MS = 10_000;
const INPUT_BYTES_MAX = 128 * 1024;
/** Places of the shared control words. */
const Word = { Count: 0, Running: 1, Target: 2, Length: 3 } as const;

interface Shared {
  control: Int32Array;
  input: Uint8Array;
  names: string[];
}

export class Watchdog {
  private readonly shared: Shared;
  private readonly worker: Worker;

  constructor(names: string[]) {
    const control = new Int32Array(new SharedArrayBuffer(16));
    this.shared = { control, input: new Uint8Array(new SharedArrayBuffer(INPUT_BYTES_MAX)), names };
    this.worker = new Worker(WATCH, { eval: true, workerData: this.shared });
    this.worker.unref();
  }

  /** The same target, watched. */
  watched(target: FuzzTarget): FuzzTarget {
    return new WatchedTarget(target, this.shared);
  }

  stop(): Promise<number> {
    return this.worker.terminate();
  }
}

class WatchedTarget implements FuzzTarget {
  readonly name: string;
  readonly unit: string;
  private readonly target: FuzzTarget;
  private readonly control: Int32Array;
  private readonly input: Uint8Array;
  private readonly index: number;

  constructor(target: FuzzTarget, shared: Shared) {
    this.name = target.name;
    this.unit = target.unit;
    this.target = target;
    this.control = shared.control;
    this.input = shared.input;
    this.index = shared.names.indexOf(target.name);
  }

  generate(random: Random): Uint8Array {
    return this.target.generate(random);
  }

  check(input: Uint8Array): number {
    const { control } = this;
    this.input.set(input.length <= INPUT_BYTES_MAX ? input : input.subarray(0, INPUT_BYTES_MAX));
    control[Word.Target] = this.index;
    control[Word.Length] = input.length;
    control[Word.Count]!++;
    // The one ordered write: whoever sees it sees those before it.
    Atomics.store(control, Word.Running, 1);
    try {
      return this.target.check(input);
    } finally {
      control[Word.Running] = 0;
    }
  }
}

/** The worker's program: text, since a file of its own would have another name compiled than as source. */
const WATCH = `
const { writeSync } = require("node:fs");
const { control, input, names } = require("node:worker_threads").workerData;
let seen = -1;
let since = performance.now();
setInterval(() => {
  const count = Atomics.load(control, ${Word.Count});
  const now = performance.now();
  if (Atomics.load(control, ${Word.Running}) === 0 || count !== seen) {
    seen = count;
    since = now;
  } else if (now - since >= ${HANG_MS}) {
    const hex = Buffer.from(input.slice(0, control[${Word.Length}])).toString("hex");
    writeSync(2, "\\nBROKEN   an input takes longer than ${HANG_MS / 1000} s. Again:\\n  npm run fuzz -- --target " + names[control[${Word.Target}]] + " --replay " + hex + "\\n");
    process.kill(process.pid, "SIGKILL");
  }
}, 500);
`;

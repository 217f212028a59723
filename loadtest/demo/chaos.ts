// Kills server processes while messages flow: gateway and logic in turn, by kill -9, every few seconds, each time after
// the last one killed is back. Stops by itself when told, and only ever touches processes of the stack that it is given.
import { setTimeout as delay } from "node:timers/promises";
import type { Stack } from "../../cli/stack.ts";

export interface ChaosCounts {
  gateway: number;
  logic: number;
}

/** Between a part's return and the next kill, ms. */
const PAUSE_MS = 3000;

export class Chaos {
  readonly kills: ChaosCounts;
  private readonly stack: Stack;
  private stopped: boolean;
  private running: Promise<void>;

  constructor(stack: Stack) {
    this.kills = { gateway: 0, logic: 0 };
    this.stack = stack;
    this.stopped = false;
    this.running = Promise.resolve();
  }

  start(): void {
    this.running = this.run();
  }

  /** Goes on until each part was killed `kills` times; resolves when the last one is back. */
  async stopAfter(kills: number): Promise<void> {
    while (!this.stopped && Math.min(this.kills.gateway, this.kills.logic) < kills) await delay(50);
    await this.stop();
  }

  /** Resolves when the last part that was killed is back. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    for (let turn = 0; !this.stopped; turn++) {
      // Irregular, so that kills meet every state that the parts can be in.
      await delay(PAUSE_MS * (0.5 + Math.random()));
      if (this.stopped) return;
      const part = turn % 2 === 0 ? "gateway" : "logic";
      const back = this.stack.restarted(part);
      this.stack.kill(part, "SIGKILL");
      this.kills[part]++;
      await back;
    }
  }
}

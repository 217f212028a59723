// What goes wrong in a simulated world. Each seed chooses its own mixture: some faults not at all, so that the others
// are not always masked by them, and some so often that they meet.
import type { Random } from "../../proto/testing/random.ts";

export interface Faults {
  /** Probability that a bus message is lost. */
  readonly busLoss: number;
  /** Rates, per second of the world; those of clients and gateways for each of them. */
  readonly busOutages: number;
  readonly logicCrashes: number;
  readonly logicFreezes: number;
  readonly gatewayCrashes: number;
  readonly gatewayFreezes: number;
  readonly cuts: number;
  readonly reconnects: number;
  readonly slowReads: number;
  readonly wipes: number;
  readonly clientCrashes: number;
  /** Probability that a commit fails without its author knowing whether it was written. */
  readonly commitFails: number;
  /** A commit or a read takes up to this long, one in ten up to ten times as long. */
  readonly diskMs: number;
  /** A wiped device's connection may lose to the one before: that one's Attach may be late, and who is newer only shows by who comes later. */
  readonly mayReplace: boolean;
}

export function chooseFaults(random: Random): Faults {
  const some = (rate: number) => (random.chance(0.4) ? rate * (0.3 + random.below(100) / 100) : 0);
  const gatewayFreezes = some(0.05);
  const wipes = some(0.02);
  const busLoss = random.pick([0, 0, 0.005, 0.05, 0.3]);
  return {
    busLoss,
    busOutages: some(0.1),
    logicCrashes: some(0.3),
    logicFreezes: some(0.1),
    gatewayCrashes: some(0.05),
    gatewayFreezes,
    cuts: some(0.15),
    reconnects: some(0.1),
    slowReads: some(0.2),
    wipes,
    clientCrashes: some(0.03),
    commitFails: random.pick([0, 0, 0.01]),
    diskMs: random.pick([2, 2, 20, 200]),
    mayReplace: wipes > 0 && (gatewayFreezes > 0 || busLoss > 0),
  };
}

export const NO_FAULTS: Faults = {
  busLoss: 0,
  busOutages: 0,
  logicCrashes: 0,
  logicFreezes: 0,
  gatewayCrashes: 0,
  gatewayFreezes: 0,
  cuts: 0,
  reconnects: 0,
  slowReads: 0,
  wipes: 0,
  clientCrashes: 0,
  commitFails: 0,
  diskMs: 5,
  mayReplace: false,
};

// When the figures of a run should not be trusted, and why: conditions under which it measured something else than the
// server. A run that is unfit still tells whether the promises held.

/** Thresholds; see README.md for why these. */
export const FITNESS = {
  /** Of one core, any driver process, on average while traffic flowed: above it a driver queues in itself. */
  driverCpuPercentMax: 85,
  /** In any single second of that time. */
  driverPeakPercentMax: 98,
  /** Of messages, how late they may leave after the moment they were meant to. Latencies count from that moment, so this is in them. */
  lagP99MsMax: 50,
  /** Below that it may still be most of what was measured: the part of the p99 of latencies that it may be, and from where on that matters. */
  lagPartMax: 0.5,
  lagP99MsMin: 5,
  /** Of the machine's time, on average while traffic flowed. */
  stolenPercentMax: 10,
  /** Of the messages that were to be sent, how many have to leave in time. */
  sentPartMin: 0.95,
  /** Of the messages that were sent while it was measured, how many have to be acked in the same time; and of the deliveries that are due for these, how many have to come. */
  ackedPartMin: 0.95,
  deliveredPartMin: 0.95,
  /** Of the messages that were sent while it was measured and nobody was sent away, how many may be from another sender than the one whose turn it was. */
  passedOverPartMax: 0.05,
  /** Of all that were sent while it was measured, how many may be held back because all senders were at the server's limits. */
  overLimitPartMax: 0.05,
  /** Of the sessions that were to connect. */
  connectedPartMin: 0.999,
} as const;

export interface FitnessFacts {
  /** By driver process, in percent of one core, while traffic flowed. */
  driverCpuPercent: readonly number[];
  /** Of the busiest driver in its busiest second. */
  driverPeakPercent: number;
  lagP99Ms: number;
  /** Of deliveries; null when nothing was delivered. */
  latencyP99Ms: number | null;
  stolenPercent: number;
  /** Messages a second that were asked for, and left, while it was measured; 0 when none were. */
  rateAsked: number;
  rateSent: number;
  /** Messages and deliveries while it was measured; `owed`: deliveries due for what was acked meanwhile, to those who were to be there. */
  window: { sent: number; acked: number; delivered: number; owed: number; overLimit: number };
  /** Of the messages that were sent while everybody was to be there, the part from another sender than the one whose turn it was. */
  passedOverPart: number;
  /** In all measured windows messages were sent, and not one delivery came. */
  nothingMeasured: boolean;
  /** Messages that were due and not sent at all. */
  skipped: number;
  sessionsAsked: number;
  sessionsConnected: number;
  /** Parts of the server that died and came back. */
  restarts: readonly string[];
  /** The server's data are not on a disk. */
  dataInMemory: boolean;
  interrupted: boolean;
}

/** Reasons in words; none when the run is fit. */
export function unfitReasons(facts: FitnessFacts): string[] {
  const reasons: string[] = [];
  const busiest = Math.max(0, ...facts.driverCpuPercent);
  if (facts.interrupted) reasons.push("it was stopped before its end");
  if (busiest >= FITNESS.driverCpuPercentMax) {
    reasons.push(
      `a driver process was saturated: ${busiest.toFixed(0)}% of a core (limit ${FITNESS.driverCpuPercentMax}%); take more --drivers or a lower --rate`,
    );
  } else if (facts.driverPeakPercent >= FITNESS.driverPeakPercentMax) {
    reasons.push(`a driver process was saturated for a second: ${facts.driverPeakPercent.toFixed(0)}% of a core (limit ${FITNESS.driverPeakPercentMax}%)`);
  }
  const { lagP99Ms, latencyP99Ms } = facts;
  if (lagP99Ms > FITNESS.lagP99MsMax) {
    reasons.push(
      `messages left late: 1% of them by more than ${ms(lagP99Ms)} ms (limit ${FITNESS.lagP99MsMax} ms); the driver or the machine could not keep up`,
    );
  } else if (latencyP99Ms !== null && lagP99Ms > FITNESS.lagP99MsMin && lagP99Ms > latencyP99Ms * FITNESS.lagPartMax) {
    reasons.push(`messages left late: p99 of that is ${ms(lagP99Ms)} ms, more than half of the p99 of latencies, ${ms(latencyP99Ms)} ms`);
  }
  if (facts.stolenPercent > FITNESS.stolenPercentMax) {
    reasons.push(`the host took ${facts.stolenPercent.toFixed(1)}% of the machine's time away (limit ${FITNESS.stolenPercentMax}%)`);
  }
  if (facts.rateAsked > 0 && facts.rateSent < facts.rateAsked * FITNESS.sentPartMin) {
    reasons.push(`${Math.round(facts.rateSent)} messages a second were sent, ${Math.round(facts.rateAsked)} were asked for`);
  }
  const { sent, acked, delivered, owed, overLimit } = facts.window;
  const part = (of: number, whole: number): string => `${of} of ${Math.round(whole)} (${((100 * of) / whole).toFixed(1)}%)`;
  if (facts.nothingMeasured) reasons.push("messages were sent, and none was delivered while it was measured: there are no latencies");
  if (acked < sent * FITNESS.ackedPartMin) {
    reasons.push(
      `the server did not keep up: ${part(acked, sent)} messages were acked in the time in which they were sent; latencies are of those that arrived in it`,
    );
  }
  if (delivered < owed * FITNESS.deliveredPartMin) {
    reasons.push(`the server did not keep up: ${part(delivered, owed)} deliveries came in the time in which they were due; latencies are of these`);
  }
  if (facts.passedOverPart > FITNESS.passedOverPartMax) {
    const percent = (100 * facts.passedOverPart).toFixed(1);
    reasons.push(`${percent}% of the messages went to another sender than the one whose turn it was, who was away or near the server's limits`);
  }
  if (overLimit > sent * FITNESS.overLimitPartMax) {
    reasons.push(`${part(overLimit, sent)} messages had to wait, because all senders were at the limits that the server sets`);
  }
  if (facts.skipped > 0) reasons.push(`${facts.skipped} messages were not sent at all, because too many waited already`);
  if (facts.sessionsConnected < facts.sessionsAsked * FITNESS.connectedPartMin) {
    reasons.push(`only ${facts.sessionsConnected} of ${facts.sessionsAsked} sessions connected`);
  }
  if (facts.restarts.length > 0) reasons.push(`the server died and was started again: ${facts.restarts.join("; ")}`);
  if (facts.dataInMemory) reasons.push("the server's data are in memory (tmpfs), where fsync costs nothing: let TMPDIR or --data name a folder on a disk");
  return reasons;
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

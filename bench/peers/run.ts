// The run: in each round every measurement takes its turn, and in each of them every peer, so that what happens to the
// machine meanwhile happens to all alike. A server lives for one measurement. A peer that fails once goes on in the next
// round; one that is not installed is left out, and the table says so.
import type { WireMaker } from "../../loadtest/driver/open-wire.ts";
import { type Conditions, ConditionsWatch, machine, unfitBecauseOf } from "../conditions.ts";
import { FLOOR, HAWSER, type Measure, type Peer } from "./catalogue.ts";
import { type DirectResult, type MessagePlan, measureDirect } from "./measure/direct.ts";
import { measureFanout } from "./measure/fanout.ts";
import type { MeasureContext } from "./measure/fleet.ts";
import { measureIdle } from "./measure/idle.ts";
import { figuresOf, lossesOf, type PeerRounds, type PeersResult, type RoundOf } from "./result.ts";
import { NotInstalled, type PeerServer, type ServerNeeds } from "./server/server.ts";

export interface PeersOptions {
  rounds: number;
  /** Of each measurement of messages. */
  seconds: number;
  /** Before counting begins: compilers and caches must have seen the traffic. */
  warmSeconds: number;
  /** How long connections are idle before memory is read. */
  settleSeconds: number;
  connections: number;
  pairs: number;
  /** So many that servers are at their limit. */
  busyPairs: number;
  members: number;
  /** Messages of a group in flight. */
  inFlight: number;
  measures: readonly Measure[];
  install: boolean;
  texts: readonly Uint8Array[];
  source: string;
  maker: WireMaker;
  command: string;
  progress: (line: string) => void;
  /** Asked often; true ends the run. */
  stopped: () => boolean;
}

export async function runPeers(peers: readonly Peer[], options: PeersOptions): Promise<PeersResult> {
  const all = peers.map((peer) => prepare(peer, options));
  const watch = await ConditionsWatch.start(options.progress);
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const measure of options.measures) {
        for (const [i, peer] of peers.entries()) {
          if (options.stopped()) throw new Error("stopped");
          const rounds = all[i]!;
          if (rounds.skipped === null) await measureOnce(peer, rounds, measure, round, options, watch);
        }
      }
    }
  } finally {
    await watch.stop();
    for (const peer of peers) peer.cleanUp?.();
  }
  return resultOf(all, options);
}

function prepare(peer: Peer, { install, progress }: PeersOptions): PeerRounds {
  const { name, label, guarantees } = peer;
  const rounds: PeerRounds = { name, label, version: "", guarantees, skipped: null, idle: [], direct: [], busy: [], fanout: [] };
  try {
    rounds.version = peer.prepare(install);
  } catch (error) {
    if (!(error instanceof NotInstalled)) throw error;
    rounds.skipped = error.message;
    progress(`${label}: LEFT OUT. ${error.message}`);
  }
  return rounds;
}

async function measureOnce(peer: Peer, rounds: PeerRounds, measure: Measure, round: number, options: PeersOptions, watch: ConditionsWatch): Promise<void> {
  const meter = watch.begin();
  let server: PeerServer | undefined;
  let failed: string | null = null;
  let result: unknown = null;
  try {
    server = await peer.start(needs(measure, options), measure);
    result = await MEASURES[measure](peer, server, round, options);
  } catch (error) {
    if (options.stopped()) throw error;
    if (error instanceof NotInstalled) rounds.skipped = error.message;
    failed = (error as Error).message;
  } finally {
    await server?.stop();
  }
  const conditions = await meter.end();
  (rounds[measure] as RoundOf<unknown>[]).push({ round, result, failed, conditions });
  const said = failed === null ? summary(result as Record<string, unknown>) : `FAILED: ${failed}`;
  options.progress(`round ${round}/${options.rounds}  ${measure.padEnd(6)}  ${peer.label.padEnd(28)}  ${said}  ${takenText(conditions)}`);
}

const MEASURES: Record<Measure, (peer: Peer, server: PeerServer, round: number, options: PeersOptions) => Promise<unknown>> = {
  idle: (peer, server, round, options) =>
    measureIdle(context(options), server, peer.protocol, users(options.connections), round === 1 ? options.settleSeconds : 0),
  direct: (peer, server, _, options) => pairs(peer, server, options.pairs, options),
  busy: (peer, server, _, options) => pairs(peer, server, options.busyPairs, options),
  fanout: (peer, server, round, options) =>
    measureFanout(context(options), server, peer.protocol, users(options.members + 1), `group${String(round).padStart(6, "0")}`, {
      ...plan(options),
      inFlight: options.inFlight,
    }),
};

function pairs(peer: Peer, server: PeerServer, count: number, options: PeersOptions): Promise<DirectResult> {
  return measureDirect(context(options), server, peer.protocol, users(2 * count), peer.inOrder === true, plan(options));
}

function context({ maker, stopped }: PeersOptions): MeasureContext {
  return {
    maker,
    checkStopped: () => {
      if (stopped()) throw new Error("stopped");
    },
  };
}

function plan({ texts, seconds, warmSeconds }: PeersOptions): MessagePlan {
  return { texts, seconds, warmSeconds };
}

function needs(measure: Measure, { connections, pairs, busyPairs, members }: PeersOptions): ServerNeeds {
  const count = { idle: connections, direct: 2 * pairs, busy: 2 * busyPairs, fanout: members + 1 }[measure];
  return { connections: count, members, users: users(count) };
}

/** As long as the ids in the real messages: 11 bytes. */
function users(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `u${String(i).padStart(10, "0")}`);
}

function summary(result: Record<string, unknown>): string {
  const show = (value: unknown): string => {
    if (typeof value === "number") return String(Number(value.toFixed(1)));
    return value === null ? "-" : `(${summary(value as Record<string, unknown>)})`;
  };
  return Object.entries(result)
    .map(([name, value]) => `${name} ${show(value)}`)
    .join(", ");
}

function takenText(conditions: Conditions): string {
  const { stolen_percent, paused_percent } = conditions;
  const paused = paused_percent === null ? "" : `, ${paused_percent.toFixed(1)}% paused`;
  return `${stolen_percent.toFixed(1)}% stolen${paused}${unfitBecauseOf(conditions).length > 0 ? " (TOO MUCH)" : ""}`;
}

function resultOf(rounds: PeerRounds[], options: PeersOptions): PeersResult {
  const floor = rounds.find(({ name }) => name === FLOOR);
  const figures = rounds.map((peer) => figuresOf(peer, floor));
  const isOurs = (name: string) => name.startsWith(HAWSER);
  const others = figures.filter(({ name }) => name !== FLOOR && !isOurs(name));
  const noisy = rounds.flatMap(({ label, idle, direct, busy, fanout }) =>
    [...idle, ...direct, ...busy, ...fanout].flatMap(({ round, conditions }) =>
      unfitBecauseOf(conditions).map((reason) => `${label}, round ${round}: ${reason}`),
    ),
  );
  return {
    bench: "peers",
    at: new Date().toISOString(),
    command: options.command,
    machine: machine(),
    settings: {
      rounds: options.rounds,
      seconds: options.seconds,
      settle_seconds: options.settleSeconds,
      connections: options.connections,
      pairs: options.pairs,
      busy_pairs: options.busyPairs,
      members: options.members,
      in_flight: options.inFlight,
      wire: options.maker.kind,
      texts: options.source,
    },
    figures,
    losses: figures.filter(({ name }) => isOurs(name)).flatMap((own) => lossesOf(own, others)),
    unfit: noisy,
    rounds,
  };
}

// One driver: makes its part of the cast, and carries out the coordinator's orders (control.ts). What a session is stands in
// sessions.ts, what is right in ledger.ts; this puts the parts together and keeps the time.
import { basename } from "node:path";
import { type Cast, makeCast, silentCast } from "../cast/cast.ts";
import { readMessages } from "../cast/messages.ts";
import { UserNames } from "../cast/names.ts";
import { Random } from "../../proto/testing/random.ts";
import { assemble } from "./assemble.ts";
import type { Answers, DriverPlan, Order, Share, Tick } from "./control.ts";
import type { Lane, View } from "./conversation.ts";
import { Counts } from "./counts.ts";
import type { Labels } from "./findings.ts";
import { Identity } from "./identity.ts";
import { Inbound } from "./inbound.ts";
import { Ledger, type LedgerSink } from "./ledger.ts";
import { type WireKind, wireMaker } from "./open-wire.ts";
import { Pulling } from "./pulling.ts";
import { Latencies, Reporter } from "./reporter.ts";
import { Routes } from "./routes.ts";
import { Rows } from "./rows.ts";
import { Sending } from "./sending.ts";
import { SessionTable } from "./session-table.ts";
import { Sessions, type SessionsHost } from "./sessions.ts";
import type { Talker } from "./talker.ts";
import { Traffic } from "./traffic.ts";
import { Judge } from "./verdict.ts";
import { Connecting, Disconnecting, type Range, Wandering } from "./verbs.ts";
import { webSocketWire } from "./websocket.ts";
import type { Wire } from "./wire.ts";

/** Traffic is looked at so often, everything else a little less. */
const TRAFFIC_MS = 2;
const TICK_MS = 5;
/** While nothing but beats is to come: each tick wakes the process, and fifty drivers on two cores would use one up by waking. */
const CALM_TICK_MS = 100;
const REPORT_MS = 1000;
const SWEEP_MS = 1000;
const MESSAGES_MAX = 1_000_000;

export interface DriverOptions {
  wire?: "auto" | WireKind;
  /** Between two ticks; a second. */
  reportMs?: number;
}

export class Driver implements SessionsHost, LedgerSink, Labels {
  readonly wireKind: WireKind;
  /** What is said, for the result: see Answers. */
  readonly messages: string;
  private readonly cast: Cast;
  private readonly identity: Identity;
  private readonly names: UserNames;
  private readonly routes: Routes;
  private readonly table: SessionTable;
  private readonly talkers: Talker[];
  private readonly latencies: Latencies;
  private readonly sessions: Sessions;
  private readonly pulling: Pulling;
  private readonly traffic: Traffic;
  private readonly judge: Judge;
  private readonly wires: Wire[];
  private readonly timers: NodeJS.Timeout[];
  private ticker: NodeJS.Timeout | undefined;
  private calm: boolean;
  /** Orders that settle and check, and are not answered yet. */
  private judging: number;
  private trafficTimer: NodeJS.Timeout | undefined;
  private connecting: Connecting | undefined;
  private disconnecting: Disconnecting[];
  private churning: Wandering | undefined;
  private switching: Wandering | undefined;
  private ended: boolean;

  private constructor(plan: DriverPlan, cast: Cast, messages: string, routes: Routes, report: (tick: Tick) => void, options: DriverOptions) {
    const names = new UserNames(plan.run, plan.driver, plan.drivers);
    const counts = new Counts();
    const latencies = new Latencies();
    this.messages = messages;
    this.cast = cast;
    this.routes = routes;
    this.names = names;
    this.identity = new Identity(plan, cast, names);
    this.table = new SessionTable(plan.sessions);
    this.talkers = [];
    this.latencies = latencies;
    const ledger = new Ledger(cast.texts, this, this);
    const sessions = new Sessions(
      { table: this.table, talkers: this.talkers, counts, identity: this.identity, routes, random: new Random(plan.seed + plan.driver + 1) },
      this,
    );
    const sending = new Sending(sessions, ledger, names, cast.texts, latencies.lag);
    const pulling = new Pulling(sessions, ledger, names, this.identity);
    const rows = new Rows(ledger, pulling);
    pulling.rows = rows;
    sessions.parts = { inbound: new Inbound(sessions, { names, ledger, rows, sending, pulling, identity: this.identity }), sending, pulling };
    assemble(cast, this.table, this.talkers, ledger);
    routes.talks = (session) => sessions.talkerAt(session) !== undefined;
    this.sessions = sessions;
    this.pulling = pulling;
    this.traffic = new Traffic(cast, ledger, sending, this.table);
    this.judge = new Judge(ledger, sessions, pulling, counts);
    const maker = wireMaker(options.wire);
    this.wireKind = maker.kind;
    this.wires = [];
    if (plan.transport !== "ws") this.wires.push((sessions.tcp = maker.open(plan.sessions, sessions)));
    if (plan.transport !== "tcp") this.wires.push((sessions.ws = webSocketWire(sessions, (inner) => maker.open(plan.sessions, inner))));
    this.trafficTimer = undefined;
    this.connecting = undefined;
    this.disconnecting = [];
    this.churning = undefined;
    this.switching = undefined;
    this.ended = false;
    const reporter = new Reporter({ counts, latencies, ledger, pulling, rows, sending, traffic: this.traffic, wires: this.wires });
    this.ticker = undefined;
    this.calm = false;
    this.judging = 0;
    this.timers = [setInterval(() => this.sessions.sweep(), SWEEP_MS), setInterval(() => report(reporter.tick()), options.reportMs ?? REPORT_MS)];
    this.pace(true);
  }

  /** Reads the messages, makes the cast, opens the wires. Throws Error when the plan cannot be carried out. */
  static async open(plan: DriverPlan, report: (tick: Tick) => void, options: DriverOptions = {}): Promise<Driver> {
    const silent = plan.cast.kind === "pairs" && plan.cast.talkers === 0;
    const input = { driver: plan.driver, drivers: plan.drivers, sessions: plan.sessions, seed: plan.seed, plan: plan.cast };
    if (silent) return new Driver(plan, silentCast(plan.sessions, plan.seed), "none", await Routes.open(plan), report, options);
    const { source, messages } = await readMessages(plan.messages, MESSAGES_MAX);
    const told = `${basename(source)}, ${messages.length} messages`;
    return new Driver(plan, makeCast(input, messages), told, await Routes.open(plan), report, options);
  }

  /** Carries an order out; resolves when it is. */
  async handle(order: Exclude<Order, { order: "plan" }>): Promise<Answers[keyof Answers] | undefined> {
    // Whatever it is, something is to happen now.
    this.pace(false);
    switch (order.order) {
      case "connect":
        return this.connect(this.range(order.share), order.perSecond, order.timeoutMs);
      case "disconnect": {
        const disconnecting = new Disconnecting(this.sessions, this.range(order.share), order.how, order.perSecond);
        this.disconnecting.push(disconnecting);
        await disconnecting.done;
        return undefined;
      }
      case "traffic":
        this.startTraffic(order.perSecond, this.range(order.senders));
        return undefined;
      case "stopTraffic":
        this.stopTraffic();
        return undefined;
      case "throttle": {
        const { from, to } = this.range(order.share);
        for (let session = from; session < to; session++) this.sessions.throttle(session, order.bytesPerSecond);
        return undefined;
      }
      case "churn":
        this.churning = this.wandering(order.share, order.partPerMinute, (session) => this.sessions.leave(session, "close", order.awayMs));
        return undefined;
      case "switchNetworks":
        this.switching = this.wandering(order.share, order.partPerMinute, (session) => this.sessions.move(session));
        return undefined;
      case "settle":
        return this.judged(this.judge.settle(order.quietMs, order.timeoutMs));
      case "check":
        return this.judged(this.judge.check());
      case "end":
        await this.end();
        return undefined;
    }
  }

  /** Ends all connections and timers. Can be called again. */
  async end(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    for (const timer of this.timers) clearInterval(timer);
    clearInterval(this.ticker);
    this.stopTraffic();
    for (const wire of this.wires) wire.destroy();
    await this.routes.close();
  }

  // ---- what the parts tell ----

  /** SessionsHost. */
  welcomed(session: number): void {
    this.connecting?.welcomed(session);
  }

  /** SessionsHost. */
  synced(session: number): void {
    this.connecting?.synced(session);
  }

  /** SessionsHost. */
  turnedAway(session: number): void {
    this.connecting?.turnedAway(session);
  }

  /** LedgerSink. What a session was to get while it read slowly does not count among those who read freely. */
  delivered(view: View, _lane: Lane, intendedUs: number, nowUs: number): void {
    const slow = intendedUs < this.sessions.talkerAt(view.session)!.freeSince;
    (slow ? this.latencies.throttled : this.latencies.delivery).record(nowUs - intendedUs);
  }

  /** LedgerSink. */
  acked(lane: Lane, intendedUs: number, nowUs: number): void {
    if (intendedUs >= this.sessions.talkerAt(lane.sender.session)!.freeSince) this.latencies.ack.record(nowUs - intendedUs);
  }

  /** Labels. */
  user(user: number): string {
    return this.names.text(user);
  }

  /** Labels. */
  device(session: number): string {
    return `${this.identity.userName(session)}/${this.cast.deviceOf(session)}`;
  }

  // ---- within ----

  private tick(): void {
    this.connecting?.tick();
    if (this.disconnecting.length > 0) {
      for (const disconnecting of this.disconnecting) disconnecting.tick();
      this.disconnecting = this.disconnecting.filter(({ finished }) => !finished);
    }
    this.churning?.tick();
    this.switching?.tick();
    this.sessions.tick();
    this.pulling.tick();
    this.pace(!this.busy);
  }

  /** Whether a tick may have more to do than beats. */
  private get busy(): boolean {
    return (
      this.connecting?.slow === false ||
      this.disconnecting.length > 0 ||
      this.churning !== undefined ||
      this.switching !== undefined ||
      this.trafficTimer !== undefined ||
      this.judging > 0 ||
      this.sessions.restless
    );
  }

  private pace(calm: boolean): void {
    if (this.ended || (this.ticker !== undefined && this.calm === calm)) return;
    clearInterval(this.ticker);
    this.calm = calm;
    this.ticker = setInterval(() => this.tick(), calm ? CALM_TICK_MS : TICK_MS);
  }

  private async judged<T>(judging: Promise<T>): Promise<T> {
    this.judging++;
    try {
      return await judging;
    } finally {
      this.judging--;
    }
  }

  private async connect(range: Range, perSecond: number, timeoutMs: number): Promise<Answers["connect"]> {
    this.connecting?.end();
    const connecting = new Connecting(this.sessions, range, perSecond, timeoutMs);
    this.connecting = connecting;
    connecting.tick();
    const answer = await connecting.done;
    if (this.connecting === connecting) this.connecting = undefined;
    return answer;
  }

  private startTraffic(perSecond: number, { from, to }: Range): void {
    this.traffic.start(this.sessions.nowUs, perSecond, from, to);
    if (perSecond === 0) return this.stopTraffic();
    this.trafficTimer ??= setInterval(() => this.traffic.tick(this.sessions.nowUs), TRAFFIC_MS);
  }

  private stopTraffic(): void {
    this.traffic.stop();
    clearInterval(this.trafficTimer);
    this.trafficTimer = undefined;
  }

  private wandering(share: Share, partPerMinute: number, each: (session: number) => void): Wandering | undefined {
    const range = this.range(share);
    return partPerMinute > 0 && range.to > range.from ? new Wandering(this.sessions, range, partPerMinute, each) : undefined;
  }

  private range({ from, to }: Share): Range {
    const { sessions } = this.table;
    const index = (part: number): number => Math.min(sessions, Math.max(0, Math.round(part * sessions)));
    return { from: index(from), to: index(to) };
  }
}

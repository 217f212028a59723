// A whole cluster in one thread, one seed and no real time: the real logic, the real cores of gateways and of the client
// SDK, minimal clients beside them, a bus, a disk, connections, and everything that can go wrong with each. The same seed
// gives the same run on every machine.
//
//   trouble for troubleMs ── everything heals ── healMs of rest ── the judge looks ── Syncs and Checks find nothing more
import { Random } from "../../proto/testing/random.ts";
import { MemoryDisk } from "../../logic/testing/memory-disk.ts";
import type { Connection } from "./connection.ts";
import { CoreClient } from "./core-client.ts";
import { EventQueue } from "./event-queue.ts";
import { chooseFaults, type Faults, NO_FAULTS } from "./faults.ts";
import { GatewayProcess } from "./gateway-process.ts";
import { Judge, Violation } from "./judge.ts";
import { LogicProcess } from "./logic-process.ts";
import { PlainClient } from "./plain-client.ts";
import { SimBus } from "./sim-bus.ts";
import type { SimProcess } from "./sim-process.ts";

export interface WorldOptions {
  readonly troubleMs: number;
  readonly healMs: number;
  /** Instead of those that the seed chooses. */
  readonly faults?: Partial<Faults>;
}

export const WORLD_OPTIONS: WorldOptions = { troubleMs: 15_000, healMs: 40_000 };

/** A world in which less happens: for many of them in little time. */
export const SHORT_WORLD: Partial<WorldOptions> = { troubleMs: 5000, healMs: 25_000 };

const USERS = ["ann", "bob", "carl", "dora", "eve"];
/** Users who never connect: they make heads come in pages. */
const ABSENT = Array.from({ length: 20 }, (_, i) => `absent-${i}`);
const SHARDS = 4;
/** How often it is decided what goes wrong next. */
const FAULT_STEP_MS = 100;
const SEND_STEP_MS = 200;

type Client = PlainClient | CoreClient;

export class World {
  readonly seed: number;
  readonly random: Random;
  readonly queue: EventQueue;
  readonly disk: MemoryDisk;
  readonly bus: SimBus;
  readonly judge: Judge;
  readonly clients: Client[];
  readonly counts: Map<string, number>;
  readonly chosen: Faults;
  /** Those of now: none once the world heals. */
  faults: Faults;
  /** A store has answered: what waits for it has to run before the next event. */
  settle: boolean;
  private readonly options: WorldOptions;
  private readonly gateways: GatewayProcess[];
  private logic: LogicProcess | undefined;
  /** What logic's process died of, if the world did not will it. */
  private failure: unknown;
  private troubled: boolean;

  constructor(seed: number, options: Partial<WorldOptions> = {}) {
    this.seed = seed;
    this.random = new Random(seed);
    this.queue = new EventQueue();
    this.disk = new MemoryDisk(SHARDS);
    this.options = { ...WORLD_OPTIONS, ...options };
    this.chosen = { ...chooseFaults(this.random), ...this.options.faults };
    this.faults = this.chosen;
    this.bus = new SimBus(this);
    this.judge = new Judge(this.disk);
    this.counts = new Map();
    this.settle = false;
    this.gateways = [];
    this.logic = undefined;
    this.failure = undefined;
    this.troubled = true;
    this.clients = [];
    for (const user of USERS.slice(0, this.random.between(2, USERS.length))) {
      for (let device = 1; device <= this.random.between(1, 3); device++) {
        this.clients.push(this.random.chance(0.7) ? new PlainClient(this, user, `device-${device}`) : new CoreClient(this, user, `device-${device}`));
      }
    }
  }

  /** Throws Violation, or whatever a part threw, when the world did what it must not. */
  async run(): Promise<void> {
    const { random, queue } = this;
    this.startLogic();
    for (let i = random.between(1, 3); i > 0; i--) this.startGateway();
    for (const client of this.clients) {
      queue.after(random.below(1000), () => client.connect());
      this.talk(client);
    }
    this.bus.loss = this.faults.busLoss;
    this.trouble();
    await this.runUntil(this.options.troubleMs);
    this.heal();
    await this.runUntil(queue.now + this.options.healMs);
    for (const client of this.clients) if (!client.isAtRest) throw new Violation(`${client.name} does not come to rest: ${client.unrest}`);
    this.judge.atRest(this.clients);
    this.judge.nothingTwice();
    // A last Sync and a Check of everybody bring nothing but read positions that were lost on their way.
    for (const client of this.clients) client.sync();
    await this.runUntil(queue.now + 5000);
    for (const client of this.clients) client.check();
    await this.runUntil(queue.now + 5000);
    for (const client of this.clients) if (!client.isAtRest) throw new Violation(`${client.name} did not pass its Check: ${client.unrest}`);
    this.judge.atRest(this.clients);
    this.judge.readPositions(this.clients);
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  /** ms since 1970; the clocks of processes are set back now and then. */
  unixNow(): number {
    return Date.UTC(2026, 0, 1) + this.queue.now - (this.troubled && this.random.chance(0.02) ? this.random.below(5000) : 0);
  }

  anyGateway(): GatewayProcess | undefined {
    return this.gateways.length === 0 ? undefined : this.random.pick(this.gateways);
  }

  logicFailed(process: LogicProcess, error: unknown): void {
    if (!process.alive) return;
    if ((error as Error).message !== "simulated") this.failure = error;
    this.endLogic();
  }

  logicWarned(message: string): void {
    this.count("logic warnings");
    // Links take every batch once and in order, so both sides know the same sessions.
    if (message.includes("tables differ")) this.failure = new Violation(message);
  }

  private async runUntil(until: number): Promise<void> {
    for (let steps = 0; this.queue.next(until); steps++) {
      if (this.settle) {
        this.settle = false;
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.logic?.pump();
      if (this.failure !== undefined) throw this.failure;
      if (steps > 3_000_000) throw new Violation("the world does not come to rest");
    }
    this.queue.now = until;
  }

  // Processes

  private startLogic(): void {
    const logic = new LogicProcess(this);
    this.logic = logic;
    this.count("logic processes");
    // The lease is taken a while after the store is open.
    this.queue.after(this.random.below(300), () => {
      for (const gateway of this.gateways) this.tellOwner(gateway, logic);
    });
  }

  private endLogic(): void {
    this.logic?.crash();
    this.logic = undefined;
    this.queue.after(50 + this.random.below(this.random.chance(0.2) ? 8000 : 500), () => {
      if (this.logic === undefined) this.startLogic();
    });
  }

  private startGateway(): void {
    const gateway = new GatewayProcess(this);
    this.gateways.push(gateway);
    this.count("gateway processes");
    if (this.logic !== undefined) this.tellOwner(gateway, this.logic);
  }

  private endGateway(gateway: GatewayProcess): void {
    gateway.crash();
    this.gateways.splice(this.gateways.indexOf(gateway), 1);
    this.queue.after(this.random.below(3000), () => this.startGateway());
  }

  /** A watch of the bucket shows the entry, once the bus lets it through. */
  private tellOwner(gateway: GatewayProcess, logic: LogicProcess): void {
    this.queue.after(this.random.below(500), () => {
      if (!this.bus.connected) this.tellOwner(gateway, logic);
      else if (logic.alive) gateway.ownerEntry(logic.owner);
    });
  }

  // What clients do

  private talk(client: Client): void {
    this.queue.after(this.random.below(2 * SEND_STEP_MS), () => {
      if (!this.troubled) return;
      if (this.random.chance(0.5)) for (let burst = this.random.chance(0.1) ? 10 : this.random.between(1, 2); burst > 0; burst--) this.say(client);
      if (this.random.chance(0.1)) client.markRead(this.random.pick(USERS));
      this.talk(client);
    });
  }

  private say(client: Client): void {
    const { random } = this;
    const members = [...new Set(this.clients.map(({ user }) => user))];
    this.count("sends");
    const text = `${this.counts.get("sends")} from ${client.name}`;
    const padded = random.chance(0.1) ? text.padEnd(random.below(3000), ".") : text;
    // Some are refused for good: no UTF-8, or a kind that is reserved.
    const payload = Buffer.from(padded + (random.chance(0.05) ? "\u00ff" : ""), random.chance(0.5) ? "latin1" : "utf8");
    client.send(random.pick(random.chance(0.15) ? ABSENT : members), random.pick([0, 0, 0, 0, 1, 32, 7]), payload);
  }

  // What goes wrong

  private trouble(): void {
    this.queue.after(FAULT_STEP_MS, () => {
      if (!this.troubled) return;
      const { faults, random } = this;
      const now = (rate: number) => random.chance((rate * FAULT_STEP_MS) / 1000);
      if (this.bus.connected && now(faults.busOutages)) this.outage();
      if (this.logic !== undefined && now(faults.logicCrashes)) {
        this.count("logic crashes");
        this.endLogic();
      }
      if (this.logic !== undefined && now(faults.logicFreezes)) this.freeze(this.logic);
      for (const gateway of [...this.gateways]) {
        if (now(faults.gatewayCrashes)) this.endGateway(gateway);
        else if (now(faults.gatewayFreezes)) this.freeze(gateway);
      }
      for (const client of this.clients) this.troubleFor(client, now);
      this.trouble();
    });
  }

  private troubleFor(client: Client, now: (rate: number) => boolean): void {
    const { faults, random } = this;
    const connection: Connection | undefined = client.connection;
    if (now(faults.cuts)) connection?.cut();
    // A new connection while the old one may still be open somewhere.
    if (now(faults.reconnects)) {
      if (random.chance(0.5)) connection?.cut();
      client.connect();
    }
    if (connection !== undefined && now(faults.slowReads)) {
      this.count("slow reads");
      connection.setSpeed(random.pick([0.05, 0.5, 2]));
      this.queue.after(random.below(6000), () => connection.setSpeed(Number.POSITIVE_INFINITY));
    }
    if (now(faults.wipes)) {
      this.count("wipes");
      client.wipe();
    }
    if (client instanceof CoreClient && now(faults.clientCrashes)) {
      this.count("client crashes");
      client.crash();
    }
  }

  private freeze(process: SimProcess): void {
    if (process.frozen) return;
    this.count("freezes");
    process.freeze();
    this.queue.after(this.random.below(this.random.chance(0.3) ? 9000 : 1000), () => process.thaw());
  }

  private outage(): void {
    this.count("outages");
    this.bus.connected = false;
    this.queue.after(this.random.below(this.random.chance(0.3) ? 8000 : 1000), () => {
      this.bus.connected = true;
    });
  }

  private heal(): void {
    this.troubled = false;
    this.faults = { ...NO_FAULTS, mayReplace: this.faults.mayReplace };
    this.bus.loss = 0;
    this.bus.connected = true;
    this.logic?.thaw();
    for (const gateway of this.gateways) gateway.thaw();
    for (const client of this.clients) client.connection?.setSpeed(Number.POSITIVE_INFINITY);
  }
}

// A whole small world in one thread and one seed: clients on the core, the model server, links that delay, reorder,
// drop and cut, stores that take their time, crashes. Time is a number; nothing waits. Each row that a client
// shows is checked as it is shown; finish() checks the rest once the faults have stopped.
import { ErrorCode, errorFrame } from "../../proto/error-code.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { ClientCore } from "../core.ts";
import { hex } from "../../proto/hex.ts";
import type { CoreEvent } from "../outputs.ts";
import { applyChanges } from "../store.ts";
import { ClientStream, seededRandom, sha256, utf8 } from "./harness.ts";
import type { Written } from "./harness.ts";
import { ModelServer, REFUSED_KIND } from "./model-server.ts";
import type { ModelOutput, ModelSession } from "./model-server.ts";

export interface Faults {
  /** Chances, per frame or request. */
  readonly dropPush: number;
  readonly dropAnswer: number;
  readonly busy: number;
  readonly resync: number;
  /** Chances, per second and client. */
  readonly cut: number;
  readonly crash: number;
  readonly goAway: number;
}

export const NO_FAULTS: Faults = { dropPush: 0, dropAnswer: 0, busy: 0, resync: 0, cut: 0, crash: 0, goAway: 0 };

/** One message that an application sent, and what it was told about it. */
interface Expectation {
  readonly install: string;
  readonly peer: string;
  readonly text: string;
  readonly kind: number;
  seq: number | undefined;
  refused: boolean;
  /** A crash came before the store had it: it may be lost. */
  mayBeLost: boolean;
}

export class Simulation {
  now: number;
  readonly random: () => number;
  readonly server: ModelServer;
  readonly clients: SimulatedClient[];
  faults: Faults;
  private readonly heap: { at: number; order: number; run: () => void }[];
  private order: number;

  constructor(seed: number, faults: Faults) {
    this.now = 0;
    this.random = seededRandom(seed);
    this.server = new ModelServer(() => 1 + Math.floor(this.random() * 5), 16);
    this.clients = [];
    this.faults = faults;
    this.heap = [];
    this.order = 0;
  }

  after(ms: number, run: () => void): void {
    // A sorted array: the worlds are small.
    const event = { at: this.now + ms, order: this.order++, run };
    let low = 0;
    let high = this.heap.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.heap[middle]!;
      if (other.at > event.at || (other.at === event.at && other.order > event.order)) low = middle + 1;
      else high = middle;
    }
    this.heap.splice(low, 0, event);
  }

  run(ms: number): void {
    const end = this.now + ms;
    for (let steps = 0; this.heap.length > 0 && this.heap.at(-1)!.at <= end; steps++) {
      if (steps > 2_000_000) throw new Error("the simulation does not come to rest");
      const event = this.heap.pop()!;
      this.now = event.at;
      event.run();
    }
    this.now = end;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  client(user: string, device: string, history: number | "all" = "all"): SimulatedClient {
    const client = new SimulatedClient(this, user, device, history);
    this.clients.push(client);
    return client;
  }

  deliver(outputs: readonly ModelOutput[]): void {
    for (const output of outputs) {
      const link = this.clients.map((client) => client.link).find((one) => one?.session === output.session);
      if (link === undefined || this.chance(output.kind === "push" ? this.faults.dropPush : this.faults.dropAnswer)) continue;
      // Frames take different ways through the server: they may overtake each other before the socket.
      this.after(this.random() * this.random() * 40, () => link.toClient(output.frame));
    }
  }
}

/** One connection: bytes in order, in pieces, each way with a delay. */
class SimulatedLink {
  readonly simulation: Simulation;
  readonly client: SimulatedClient;
  readonly number: number;
  session: ModelSession | undefined;
  private readonly stream: ClientStream;
  private open: boolean;
  private upAt: number;
  private downAt: number;

  constructor(simulation: Simulation, client: SimulatedClient, number: number) {
    this.simulation = simulation;
    this.client = client;
    this.number = number;
    this.session = undefined;
    this.stream = new ClientStream();
    this.open = true;
    this.upAt = 0;
    this.downAt = 0;
  }

  toServer(bytes: Uint8Array): void {
    const { simulation } = this;
    this.upAt = Math.max(this.upAt, simulation.now + 1 + simulation.random() * 30);
    simulation.after(this.upAt - simulation.now, () => {
      if (!this.open) return;
      for (const written of this.stream.read(bytes)) this.handle(written);
    });
  }

  toClient(frame: Uint8Array): void {
    const { simulation } = this;
    const cut = Math.floor(simulation.random() * frame.length);
    for (const piece of [frame.subarray(0, cut), frame.subarray(cut)]) {
      this.downAt = Math.max(this.downAt, simulation.now + 1 + simulation.random() * 30);
      simulation.after(this.downAt - simulation.now, () => {
        if (this.open && piece.length > 0) this.client.input((core) => core.received(this.number, piece, false, simulation.now));
      });
    }
  }

  /** The connection dies; the client may or may not notice at once. */
  cut(noticed: boolean): void {
    if (!this.open) return;
    this.end();
    if (noticed) this.simulation.after(0, () => this.client.input((core) => core.lost(this.number, undefined, this.simulation.now)));
  }

  end(): void {
    this.open = false;
    if (this.session !== undefined) this.simulation.server.detach(this.session);
  }

  private handle(written: Written): void {
    const { simulation } = this;
    const { server } = simulation;
    if (written.type === 0) return this.toClient(Uint8Array.of(0));
    if (written.type === FrameType.Hello) {
      const { session, replaced, outputs } = server.attach(written.body, written.body.token);
      this.session = session;
      for (const client of simulation.clients) if (client.link !== this && replaced.includes(client.link?.session as ModelSession)) client.link?.cut(true);
      // Welcome first, then the heads.
      for (const output of outputs) this.toClient(output.frame);
      return;
    }
    const session = this.session;
    if (session === undefined) throw new Error("a request before Hello");
    if (simulation.chance(simulation.faults.resync)) {
      simulation.deliver([{ session, frame: encodeMessage(FrameType.Resync, hawser.v1.Resync, {}), kind: "answer" }]);
    }
    if (written.type !== FrameType.Read && simulation.chance(simulation.faults.busy)) {
      simulation.deliver([
        { session, frame: errorFrame(ErrorCode.Busy, { ref: written.ref, retryAfterMs: 1 + Math.floor(simulation.random() * 500) }), kind: "answer" },
      ]);
      return;
    }
    const { outputs, commit } = server.request(session, written);
    simulation.deliver(outputs);
    if (commit !== undefined) simulation.after(simulation.random() * 20, () => simulation.deliver(commit()));
  }
}

export class SimulatedClient {
  readonly simulation: Simulation;
  readonly user: string;
  readonly device: string;
  readonly sent: Expectation[];
  /** As the application keeps it: conversation → rows shown. */
  readonly shown: Map<string, string[]>;
  link: SimulatedLink | undefined;
  core: ClientCore;
  records: Map<string, string>;
  diverged: number;
  readonly errors: string[];
  private readonly history: number | "all";
  private run: number;
  private storing: boolean;
  private tickAt: number;
  /** Conversations whose rows may be shown again, after a crash: up to this seq. */
  private again: Map<string, number>;

  constructor(simulation: Simulation, user: string, device: string, history: number | "all") {
    this.simulation = simulation;
    this.user = user;
    this.device = device;
    this.sent = [];
    this.shown = new Map();
    this.link = undefined;
    this.records = new Map();
    this.diverged = 0;
    this.errors = [];
    this.history = history;
    this.run = 0;
    this.storing = false;
    this.tickAt = Number.POSITIVE_INFINITY;
    this.again = new Map();
    this.core = this.boot();
    this.input((core) => core.start(simulation.now));
    this.trouble();
  }

  get install(): string {
    return this.core.installHex;
  }

  send(peer: string, text: string, kind: number): void {
    const expectation: Expectation = { install: this.install, peer, text, kind, seq: undefined, refused: false, mayBeLost: false };
    this.sent.push(expectation);
    this.input((core) => core.send(1, peer, kind, utf8.encode(text), expectation, this.simulation.now));
  }

  /** The process dies: what the store has is what is left. */
  crash(): void {
    for (const send of this.core.pending()) {
      const expectation = this.sent.find(
        (one) => one.install === this.install && one.peer === send.log.name && one.text === new TextDecoder().decode(send.payload),
      );
      if (expectation !== undefined && !this.records.has(`send/${send.log.key}/${send.clientSeq}`)) expectation.mayBeLost = true;
    }
    this.link?.end();
    this.link = undefined;
    this.run++;
    this.storing = false;
    this.again = new Map([...this.shown].map(([name, rows]) => [name, rows.length]));
    this.core = this.boot();
    this.simulation.after(this.simulation.random() * 2000, () => this.input((core) => core.start(this.simulation.now)));
  }

  input(give: (core: ClientCore) => void): void {
    give(this.core);
    const { outputs } = this.core;
    for (const frame of outputs.takeFrames()) this.link?.toServer(frame);
    if (outputs.takeClose()) {
      this.link?.end();
      this.link = undefined;
    }
    const order = outputs.takeConnect();
    if (order !== undefined) this.connect(order.link);
    for (const event of outputs.takeEvents()) this.event(event);
    this.store();
    this.schedule();
  }

  private boot(): ClientCore {
    const { random } = this.simulation;
    return new ClientCore({
      sha256,
      random,
      verify: true,
      history: this.history,
      network: "",
      pendingMax: 10_000,
      pendingBytesMax: 1 << 24,
      records: this.records,
      device: this.device,
    });
  }

  private connect(number: number): void {
    const { simulation, run } = this;
    simulation.after(simulation.random() * 50, () => {
      if (this.run !== run) return;
      this.input((core) => core.opening(number, simulation.now));
      if (simulation.chance(simulation.faults.cut)) return this.input((core) => core.lost(number, undefined, simulation.now));
      this.link?.end();
      this.link = new SimulatedLink(simulation, this, number);
      this.input((core) => core.connected(number, this.user, simulation.now));
    });
  }

  private event(event: CoreEvent): void {
    if (event.type === "message") {
      const { message } = event;
      const name = "peer" in message.conversation ? message.conversation.peer : "?";
      let rows = this.shown.get(name);
      if (rows === undefined) this.shown.set(name, (rows = new Array(this.history === "all" ? 0 : message.seq - 1).fill("before")));
      const line = `${message.from} ${message.kind} ${message.text ?? hex(message.payload)}`;
      if (message.seq <= rows.length && message.seq <= (this.again.get(name) ?? 0)) {
        if (rows[message.seq - 1] !== line) throw new Error(`row ${message.seq} of ${name} changed: ${rows[message.seq - 1]} is ${line}`);
      } else if (message.seq !== rows.length + 1) throw new Error(`${this.user}/${this.device} shows ${message.seq} of ${name} after ${rows.length}`);
      else rows.push(line);
    } else if (event.type === "sent") {
      const expectation = event.send.ticket as Expectation | undefined;
      if (expectation === undefined) return;
      if (expectation.seq !== undefined || expectation.refused) throw new Error("a message was settled twice");
      if (event.receipt === undefined) expectation.refused = true;
      else expectation.seq = event.receipt.seq;
    } else if (event.type === "diverged") this.diverged++;
    else if (event.type === "error") this.errors.push(`${event.error.name}: ${event.error.message}`);
  }

  private store(): void {
    if (this.storing) return;
    const changes = this.core.journal.take();
    if (changes === undefined) return;
    const version = this.core.journal.version;
    const { run } = this;
    this.storing = true;
    this.simulation.after(this.simulation.random() * 15, () => {
      if (this.run !== run) return;
      this.storing = false;
      applyChanges(this.records, changes);
      this.input((core) => core.stored(version, this.simulation.now));
    });
  }

  private schedule(): void {
    const due = this.core.outputs.dueAt;
    if (due >= this.tickAt || due === Number.POSITIVE_INFINITY) return;
    this.tickAt = due;
    const { run } = this;
    this.simulation.after(Math.max(0, due - this.simulation.now) + this.simulation.random() * 50, () => {
      if (this.tickAt === due) this.tickAt = Number.POSITIVE_INFINITY;
      if (this.run === run && this.core.outputs.dueAt <= this.simulation.now) this.input((core) => core.tick(this.simulation.now));
      else this.schedule();
    });
  }

  /** Once a second: what may befall this client. */
  private trouble(): void {
    const { simulation } = this;
    const { faults } = simulation;
    if (simulation.chance(faults.crash)) this.crash();
    if (simulation.chance(faults.cut)) this.link?.cut(simulation.chance(0.7));
    const session = this.link?.session;
    if (session !== undefined && simulation.chance(faults.goAway)) {
      const frame = encodeMessage(FrameType.GoAway, hawser.v1.GoAway, { reconnectAfterMs: Math.floor(simulation.random() * 3000), target: "other" });
      simulation.deliver([{ session, frame, kind: "answer" }]);
    }
    simulation.after(1000, () => this.trouble());
  }
}

/**
 * With the faults over, everybody has everything: 0 lost, 0 doubled, 0 out of order. Returns what is wrong, or nothing.
 */
export function compare(simulation: Simulation): string[] {
  const wrong: string[] = [];
  const { server } = simulation;
  for (const client of simulation.clients) {
    const who = `${client.user}/${client.device}`;
    for (const conversation of server.of(client.user)) {
      const peer = server.peerOf(conversation, client.user);
      if (conversation.committed !== conversation.rows.length) wrong.push(`rows with ${peer} were never committed`);
      const expected = conversation.rows.map((row) => `${row.sender} ${row.kind} ${row.kind === 0 ? new TextDecoder().decode(row.payload) : hex(row.payload)}`);
      const shown = client.shown.get(peer) ?? [];
      const same = expected.length === shown.length && expected.every((line, i) => line === shown[i] || shown[i] === "before");
      if (!same) wrong.push(`${who} with ${peer}: ${shown.length} of ${expected.length} rows`);
    }
    for (const [i, sent] of client.sent.entries()) {
      const rows = server.of(client.user).find((one) => server.peerOf(one, client.user) === sent.peer)?.rows ?? [];
      const times = rows.filter((row) => hex(row.install) === sent.install && new TextDecoder().decode(row.payload) === sent.text).length;
      const allowed = sent.kind === REFUSED_KIND ? 0 : 1;
      if (times !== allowed && !(sent.mayBeLost && times === 0)) wrong.push(`${who}: message ${i} to ${sent.peer} is there ${times} times`);
      if (sent.kind === REFUSED_KIND && sent.seq !== undefined) wrong.push(`${who}: a refused message was confirmed`);
      if (sent.seq !== undefined && new TextDecoder().decode(rows[sent.seq - 1]?.payload) !== sent.text)
        wrong.push(`${who}: ${sent.text} is not at ${sent.seq}`);
    }
    // The sender's order: what was sent first stands first.
    for (const conversation of server.of(client.user)) {
      const mine = conversation.rows.filter((row) => client.sent.some((sent) => sent.install === hex(row.install)));
      const texts = mine.map((row) => new TextDecoder().decode(row.payload));
      const order = client.sent.map((sent) => sent.text).filter((text) => texts.includes(text));
      if (texts.join() !== order.join()) wrong.push(`${who}: order with ${conversation.users.join("+")}: ${texts.join()} but sent ${order.join()}`);
    }
    if (client.core.pending().length > 0) wrong.push(`${who}: ${client.core.pending().length} are not settled`);
    if (client.diverged > 0) wrong.push(`${who}: diverged`);
    if (client.errors.length > 0) wrong.push(`${who}: ${client.errors.join("; ")}`);
  }
  return wrong;
}

// Sessions of one peer over one wire: who is logged in, and logging many in with so many under way at once. A connection
// that fails before its login is tried again a little later; one that is lost afterwards ends the measurement.
import { setTimeout as delay } from "node:timers/promises";
import type { WireMaker } from "../../../loadtest/driver/open-wire.ts";
import { webSocketWire } from "../../../loadtest/driver/websocket.ts";
import type { Wire, WireEvents, WireTarget } from "../../../loadtest/driver/wire.ts";
import type { PeerIdentity, PeerProtocol, PeerSession } from "../protocol/protocol.ts";

export interface FleetTarget {
  host: string;
  port: number;
}

/** What a fleet tells its owner; slots are those of the identities. */
export interface FleetEvents {
  /** `text` is a view, valid during the call. */
  delivered(slot: number, text: Uint8Array): void;
  acked(slot: number): void;
}

/** What all measurements share. */
export interface MeasureContext {
  maker: WireMaker;
  /** Throws when the run was asked to stop. */
  checkStopped: () => void;
}

export interface LoginTimes {
  /** From the beginning until 99.9% of the sessions were logged in, in ms. */
  mostMs: number;
  /** Until all were, or the time was up. */
  allMs: number;
  /** How many were not when the time was up. */
  missing: number;
}

/** Logins under way at once. Below the smallest backlog of connections among the peers, so that none is refused by its kernel. */
const LOGINS_IN_FLIGHT = 100;
const RETRY_MS = 100;
const POLL_MS = 2;
/** Source addresses; a machine has some 28,000 ports for each of them. */
const SOURCES = 8;

const State = { Away: 0, Connecting: 1, Ready: 2 } as const;

export class Fleet implements WireEvents {
  readonly wire: Wire;
  /** Sessions logged in now. */
  ready: number;
  private readonly context: MeasureContext;
  private readonly target: WireTarget;
  private readonly sessions: PeerSession[];
  private readonly states: Uint8Array;
  private connecting: number;
  /** Why the measurement is void. */
  private failure: Error | undefined;
  private readonly retryAt: Map<number, number>;

  constructor(context: MeasureContext, target: FleetTarget, protocol: PeerProtocol, identities: readonly PeerIdentity[], events: FleetEvents) {
    this.context = context;
    this.ready = 0;
    this.states = new Uint8Array(identities.length);
    this.connecting = 0;
    this.failure = undefined;
    this.retryAt = new Map();
    const plan = protocol.webSocket;
    const slots = identities.length;
    const webSocket = plan === undefined ? undefined : webSocketWire(this, (events) => context.maker.open(slots, events));
    this.wire = webSocket ?? context.maker.open(slots, this);
    this.target = plan === undefined ? target : { ...target, path: plan.path, ...(plan.subprotocol !== undefined && { protocol: plan.subprotocol }) };
    const asText = plan?.text === true ? webSocket : undefined;
    this.sessions = identities.map((identity, slot) =>
      protocol.session(identity, {
        write: (bytes) => (asText === undefined ? this.wire.write(slot, bytes) : asText.writeText(slot, bytes)),
        ready: () => this.becameReady(slot),
        delivered: (text) => events.delivered(slot, text),
        acked: () => events.acked(slot),
        failed: (reason) => this.fail(`session ${slot}: ${reason}`),
      }),
    );
  }

  get size(): number {
    return this.sessions.length;
  }

  session(slot: number): PeerSession {
    return this.sessions[slot]!;
  }

  /** Logs everybody in who is not, `inFlight` at once, in the order of the slots. Throws when one is refused. */
  async login(timeoutMs: number, inFlight: number = LOGINS_IN_FLIGHT): Promise<LoginTimes> {
    const started = performance.now();
    const most = Math.ceil(this.size * 0.999);
    let mostMs = Number.NaN;
    let next = 0;
    for (;;) {
      this.check();
      const elapsed = performance.now() - started;
      if (Number.isNaN(mostMs) && this.ready >= most) mostMs = elapsed;
      if (this.ready === this.size || elapsed > timeoutMs) break;
      this.retry();
      for (; next < this.size && this.connecting < inFlight; next++) if (this.states[next] === State.Away) this.connect(next);
      // Awaiting nothing but the wire's own events would keep the clock from being read.
      await (inFlight === 1 ? new Promise((resolve) => setImmediate(resolve)) : delay(POLL_MS));
    }
    return { mostMs, allMs: performance.now() - started, missing: this.size - this.ready };
  }

  /** Drops all connections at once, without a goodbye. */
  drop(): void {
    for (let slot = 0; slot < this.size; slot++) {
      this.states[slot] = State.Away;
      this.wire.reset(slot);
    }
    this.ready = 0;
    this.connecting = 0;
    this.retryAt.clear();
  }

  /** Does nothing for so long. Throws when a connection is lost meanwhile. */
  async idle(ms: number): Promise<void> {
    for (const end = performance.now() + ms; performance.now() < end; await delay(Math.min(200, Math.max(1, end - performance.now())))) this.check();
  }

  /** Throws when something happened that makes the measurement void. */
  check(): void {
    this.context.checkStopped();
    if (this.failure !== undefined) throw this.failure;
  }

  fail(reason: string): void {
    this.failure ??= new Error(reason);
  }

  destroy(): void {
    this.wire.destroy();
  }

  opened(slot: number): void {
    this.sessions[slot]!.opened();
  }

  data(slot: number, bytes: Buffer, start: number, end: number): number {
    return this.sessions[slot]!.data(bytes, start, end);
  }

  closed(slot: number, reason: string): void {
    if (this.states[slot] === State.Ready) {
      this.ready--;
      this.fail(`session ${slot}: the server closed its connection (${reason})`);
    } else {
      this.connecting--;
      this.retryAt.set(slot, performance.now() + RETRY_MS);
    }
    this.states[slot] = State.Away;
  }

  private connect(slot: number): void {
    this.states[slot] = State.Connecting;
    this.connecting++;
    this.wire.connect(slot, { ...this.target, from: `127.1.77.${1 + (slot % SOURCES)}` });
  }

  private retry(): void {
    if (this.retryAt.size === 0) return;
    const now = performance.now();
    for (const [slot, at] of this.retryAt) {
      if (at > now) continue;
      this.retryAt.delete(slot);
      this.connect(slot);
    }
  }

  private becameReady(slot: number): void {
    if (this.states[slot] !== State.Connecting) return;
    this.states[slot] = State.Ready;
    this.connecting--;
    this.ready++;
  }
}

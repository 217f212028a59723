// Two LinkEnds over a bus that is slow, drops and pauses, in simulated time: one seed, one run. The owners
// behave as gateway and logic do: batches when there is something to say, heads when the link asks for them,
// an end to it when the link says that it is over.
import { LinkEnd, Verdict } from "../link.ts";
import type { LinkHead, LinkLimits } from "../link.ts";
import type { Random } from "./random.ts";

export interface BusConditions {
  /** Probability that a message is lost. */
  loss: number;
  delayMsMin: number;
  delayMsMax: number;
  /** What the bus carries in each direction in a second; more than that waits. Infinity: all at once. */
  messagesPerSecond: number;
}

/** How often the owner's clock ticks. */
const TICK_MS = 50;

interface Message {
  at: number;
  bytes: Uint8Array;
}

/** link, number, last, ack and the batch's content (0: none), as five doubles. */
function encode(head: LinkHead, content: number): Uint8Array {
  return new Uint8Array(Float64Array.of(head.link, head.number, head.last, head.ack, content).buffer);
}

export class LinkOwner {
  readonly name: string;
  readonly link: LinkEnd;
  /** How many batches were sent; their contents are 1, 2, 3 … */
  sent: number;
  /** How many were taken from the other side. */
  taken: number;
  over: "" | "ring" | "lost";
  /** Messages published: batches, batches sent again, bare heads. */
  batches: number;
  resent: number;
  heads: number;
  private readonly simulation: LinkSimulation;
  private readonly eager: boolean;

  constructor(simulation: LinkSimulation, name: string, link: LinkEnd, eager: boolean) {
    this.name = name;
    this.link = link;
    this.sent = 0;
    this.taken = 0;
    this.over = "";
    this.batches = 0;
    this.resent = 0;
    this.heads = 0;
    this.simulation = simulation;
    this.eager = eager;
  }

  sendBatch(): void {
    if (this.over !== "") return;
    const bytes = encode(this.link.nextHead(), ++this.sent);
    if (!this.link.retain(bytes, this.simulation.now)) this.over = "ring";
    this.batches++;
    this.simulation.publish(this, bytes);
  }

  tick(): void {
    if (this.over !== "") return;
    if (this.link.lost(this.simulation.now)) this.over = "lost";
    else this.sendHeadIfDue();
  }

  receive(bytes: Uint8Array): void {
    if (this.over !== "") return;
    const [link, number, last, ack, content] = new Float64Array(bytes.buffer) as unknown as [number, number, number, number, number];
    const head = { from: this.link.peer, to: this.link.self, link, number, last, ack, reset: false };
    const verdict = this.link.receive(head, this.simulation.now, (again) => {
      this.resent++;
      this.simulation.publish(this, again);
    });
    if (verdict === Verdict.Deliver) {
      this.taken++;
      if (content !== this.taken) throw new Error(`${this.name} took ${content} where ${this.taken} was next`);
    }
    if (this.eager) this.sendHeadIfDue();
  }

  private sendHeadIfDue(): void {
    if (!this.link.headDue(this.simulation.now)) return;
    this.heads++;
    this.simulation.publish(this, encode(this.link.bareHead(this.simulation.now), 0));
  }
}

export class LinkSimulation {
  now: number;
  readonly left: LinkOwner;
  readonly right: LinkOwner;
  conditions: BusConditions;
  private readonly random: Random;
  /** What is under way, to the right and to the left; in order for each. */
  private readonly ways: [Message[], Message[]];

  /** `eager`: owners look for a due head after every message; else only when their clock ticks. */
  constructor(random: Random, limits: LinkLimits, conditions: BusConditions, eager: boolean) {
    this.now = 1000;
    this.random = random;
    this.conditions = conditions;
    this.ways = [[], []];
    const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
    this.left = new LinkOwner(this, "left", new LinkEnd(a, b, 7, this.now, limits), eager);
    this.right = new LinkOwner(this, "right", new LinkEnd(b, a, 7, this.now, limits), eager);
  }

  publish(from: LinkOwner, bytes: Uint8Array): void {
    const { loss, delayMsMin, delayMsMax, messagesPerSecond } = this.conditions;
    if (this.random.chance(loss)) return;
    const way = this.ways[from === this.left ? 0 : 1];
    // Never before what the same publisher sent earlier, and no faster than the bus can carry.
    const behind = (way.at(-1)?.at ?? 0) + 1000 / messagesPerSecond;
    way.push({ at: Math.max(this.now + this.random.between(delayMsMin, delayMsMax), behind), bytes: bytes.slice() });
  }

  /** Messages under way to the right or to the left, whichever are more. */
  get queued(): number {
    return Math.max(this.ways[0].length, this.ways[1].length);
  }

  /** Lets time pass; each side sends a batch in any millisecond with its probability. */
  run(ms: number, leftRate = 0, rightRate = 0): void {
    for (const end = this.now + ms; this.now < end; this.now++) {
      this.deliver(this.ways[0], this.right);
      this.deliver(this.ways[1], this.left);
      if (leftRate > 0 && this.random.chance(leftRate)) this.left.sendBatch();
      if (rightRate > 0 && this.random.chance(rightRate)) this.right.sendBatch();
      if (this.now % TICK_MS === 0) this.left.tick();
      if ((this.now + TICK_MS / 2) % TICK_MS === 0) this.right.tick();
    }
  }

  private deliver(way: Message[], to: LinkOwner): void {
    let arrived = 0;
    while (arrived < way.length && way[arrived]!.at <= this.now) to.receive(way[arrived++]!.bytes);
    if (arrived > 0) way.splice(0, arrived);
  }
}

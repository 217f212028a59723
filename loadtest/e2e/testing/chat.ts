// Two well-behaved clients that write to each other all the while, and must not notice whatever else goes on: everything
// that they send is acknowledged, and both see all of it in one order, each row once.
import type { HawserClient, Message } from "../../../client/index.ts";
import { PATIENCE_MS, sleep, until } from "./wait.ts";

/** Between two messages of one side, ms: many enough to meet everything, few enough to cost little. */
const PACE_MS = 20;
const WITHOUT_ACK_MAX = 16;

class Side {
  readonly client: HawserClient;
  readonly name: string;
  readonly peer: string;
  readonly rows: Message[] = [];
  readonly complaints: string[] = [];
  sent = 0;
  acked = 0;
  /** Connections lost. */
  losses = 0;

  constructor(client: HawserClient, name: string, peer: string) {
    this.client = client;
    this.name = name;
    this.peer = peer;
    client.on("message", (message) => this.rows.push(message));
    client.on("diverged", ({ fromSeq }) => this.complaints.push(`${name}: diverged from ${fromSeq} on`));
    client.on("error", (error) => this.complaints.push(`${name}: ${error.name} ${error.message}`));
    client.on("state", ({ state }) => {
      if (state === "offline" || state === "stopped") this.losses++;
    });
  }

  say(): void {
    const text = `${this.name} ${++this.sent}`;
    this.client.send(this.peer, text).then(
      () => this.acked++,
      (error: Error) => this.complaints.push(`${text}: ${error.name}`),
    );
  }
}

export class Chat {
  private readonly sides: readonly [Side, Side];
  private running: Promise<void> | undefined;
  private stopped = false;

  /** Two clients, connected already, with the user ids they have. The conversation must be new. */
  constructor(a: HawserClient, b: HawserClient) {
    this.sides = [new Side(a, a.user, b.user), new Side(b, b.user, a.user)];
  }

  start(): void {
    this.running = this.run();
  }

  /** Messages shown to both. */
  get shown(): number {
    return Math.min(...this.sides.map(({ rows }) => rows.length));
  }

  /** Resolves when the chat has visibly gone on from here. */
  async goesOn(what: string, messages = 6): Promise<void> {
    const before = this.shown;
    await until(
      () => this.shown >= before + messages,
      () => `the chat to go on: ${what}; ${this.describe()}`,
      PATIENCE_MS,
    );
  }

  /** Ends it, waits until everything has come, and says what was wrong. */
  async finish(): Promise<{ complaints: string[]; messages: number; losses: number }> {
    this.stopped = true;
    await this.running;
    const [a, b] = this.sides;
    const total = a.sent + b.sent;
    const complaints: string[] = [];
    try {
      await until(
        () => this.shown >= total && a.acked + b.acked >= total,
        () => this.describe(),
      );
    } catch (error) {
      complaints.push((error as Error).message);
    }
    // Doubles would come now.
    await sleep(300);
    complaints.push(...a.complaints, ...b.complaints);
    for (const { name, rows } of this.sides) complaints.push(...wrongRows(name, rows, this.sides));
    const logs = this.sides.map(({ rows }) => rows.map(({ seq, from, text, time }) => `${seq} ${from} ${text} ${time}`));
    if (logs[0]!.join("\n") !== logs[1]!.join("\n")) complaints.push("the two do not see the same");
    return { complaints, messages: total, losses: a.losses + b.losses };
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      for (const side of this.sides) if (side.sent - side.acked < WITHOUT_ACK_MAX) side.say();
      await sleep(PACE_MS);
    }
  }

  private describe(): string {
    return this.sides
      .map(({ name, client, sent, acked, rows }) => `${name} (${client.state}) sent ${sent}, acked ${acked}, was shown ${rows.length}`)
      .join("; ");
  }
}

/** Rows must be numbered 1, 2, 3 …, and each sender's messages among them as well. */
function wrongRows(name: string, rows: readonly Message[], sides: readonly Side[]): string[] {
  const wrong: string[] = [];
  const counts = new Map<string, number>();
  for (const [index, { seq, from, text }] of rows.entries()) {
    const count = (counts.get(from) ?? 0) + 1;
    counts.set(from, count);
    if (seq !== index + 1) wrong.push(`${name}: row ${index + 1} has seq ${seq}`);
    if (text !== `${from} ${count}`) wrong.push(`${name}: row ${index + 1} is "${text}", not "${from} ${count}"`);
    if (wrong.length > 5) break;
  }
  for (const { name: sender, sent } of sides) {
    if ((counts.get(sender) ?? 0) !== sent) wrong.push(`${name}: ${counts.get(sender) ?? 0} of ${sent} messages of ${sender}`);
  }
  return wrong;
}

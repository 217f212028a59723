// The checker must find what it is there to find. Histories are made at random: two users (the second with several devices)
// who write to each other in few different texts, so that messages are easily mistaken for one another; acks, deliveries and
// fetched pages reach the ledger in any order that a network allows. Without a fault nothing may be found; each kind of fault,
// put into such a history once, must be found as what it is, as often as it happened.
import fc from "fast-check";
import t from "tap";
import { Texts } from "../cast/texts.ts";
import { Random } from "../../proto/testing/random.ts";
import { Conversation, Lane, View } from "./conversation.ts";
import { Ledger } from "./ledger.ts";
import { Rows } from "./rows.ts";
import { RowReader, SendWriter } from "./frames.ts";
import { UserNames } from "../cast/names.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { FrameType } from "../../proto/frame-type.ts";
import { Schedule } from "./schedule.ts";
import { SessionTable, State } from "./session-table.ts";
import { Wandering } from "./verbs.ts";

const TEXTS = new Texts(["ok", "on my way", "", "ок 👍"]);
const FOREIGN = Buffer.from("never written by anybody");

/** One buffer is read into again and again, as those of a wire are: whoever keeps a view of it keeps what comes later. */
const WIRE = Buffer.alloc(100);
const WIRE_START = 3;

interface Message {
  lane: Lane;
  entry: number;
  clientSeq: number;
  text: number;
}

/** A row as the server has it. */
interface Row {
  message: Message;
  bytes: Uint8Array;
}

class World {
  readonly random: Random;
  readonly devices: number;
  readonly ledger: Ledger;
  readonly rows: Rows;
  readonly conversation: Conversation;
  readonly views: View[];
  readonly messages: Message[];
  readonly log: Row[];
  latencies: number;
  private now: number;

  constructor(seed: number, devices: number, both: boolean) {
    this.random = new Random(seed);
    this.devices = devices;
    this.latencies = 0;
    this.now = 1_000_000;
    this.ledger = new Ledger(
      TEXTS,
      { user: (user) => `user-${user}`, device: (session) => `session-${session}` },
      { delivered: () => this.latencies++, acked: () => undefined },
    );
    this.rows = new Rows(this.ledger, { hole: () => undefined });
    this.conversation = new Conversation(0, 1);
    const sender = new View(this.conversation, 0, 0, 1);
    this.views = [sender, ...Array.from({ length: devices }, (_, i) => new View(this.conversation, 1 + i, 1, 0))];
    this.conversation.views.push(...this.views);
    this.addLane(sender, this.views.slice(1));
    if (both) this.addLane(this.views[1]!, [sender]);
    this.ledger.conversations.push(this.conversation);
    this.messages = [];
    this.log = [];
  }

  /** Messages are meant and written; the server stores them in an order that keeps each sender's. */
  send(count: number): void {
    const { lanes } = this.conversation;
    for (let i = 0; i < count; i++) {
      const lane = this.random.pick(lanes);
      const text = this.random.below(TEXTS.count);
      const entry = this.ledger.intend(lane, text, this.now++);
      this.ledger.left(lane, entry, this.now);
      this.messages.push({ lane, entry, clientSeq: lane.count, text });
    }
    const queues = lanes.map((lane) => this.messages.filter((message) => message.lane === lane));
    while (queues.some((queue) => queue.length > 0)) {
      const queue = this.random.pick(queues.filter((queue) => queue.length > 0));
      this.log.push(this.row(queue.shift()!));
    }
  }

  row(message: Message): Row {
    return { message, bytes: TEXTS.bytes.slice(TEXTS.offsets[message.text]!, TEXTS.offsets[message.text + 1]!) };
  }

  /**
   * Everything happens: acks and pushes, each session's in the log's order, otherwise in any. Some pushes get lost, come twice or
   * late; in the end each session fetches what it lacks, except rows that `hidden` says it cannot have.
   */
  play(hidden: (view: View, seq: number) => boolean = () => false, acked: (message: Message) => boolean = () => true): void {
    const { random } = this;
    const streams: (() => void)[][] = [];
    const firstSeq = new Map<Message, number>();
    for (const [i, { message }] of this.log.entries()) if (!firstSeq.has(message)) firstSeq.set(message, i + 1);
    for (const lane of this.conversation.lanes) {
      const acks = this.messages.filter((message) => message.lane === lane && acked(message) && firstSeq.has(message));
      streams.push(acks.map((message) => () => this.ack(message, firstSeq.get(message)!)));
      for (const view of lane.receivers) {
        const pushes: (() => void)[] = [];
        for (const [i, { message }] of this.log.entries()) {
          const seq = i + 1;
          if (message.lane !== lane || hidden(view, seq) || random.chance(0.1)) continue;
          pushes.push(() => this.push(view, seq));
          // Late, so that what follows comes before it.
          if (pushes.length > 1 && random.chance(0.2)) pushes.splice(random.below(pushes.length), 0, pushes.pop()!);
        }
        streams.push(pushes);
      }
    }
    while (streams.some((stream) => stream.length > 0)) random.pick(streams.filter((stream) => stream.length > 0)).shift()!();
    for (const view of this.views) this.fetch(view, hidden);
  }

  ack(message: Message, seq: number): void {
    // An entry that is out of the list may be another message's by now; sending.ts looks at that.
    if (this.ledger.entries.lane[message.entry] === message.lane.index && this.ledger.entries.clientSeq[message.entry] === message.clientSeq) {
      this.ledger.ack(message.lane, message.entry, seq, this.now++);
    }
    this.rows.own(message.lane.sender, seq, this.now++);
  }

  push(view: View, seq: number): void {
    const end = this.onWire(this.log[seq - 1]!.bytes);
    this.rows.pushed(view, seq, WIRE, WIRE_START, end, this.now++);
  }

  fetch(view: View, hidden: (view: View, seq: number) => boolean): void {
    for (let seq = view.next; seq <= this.log.length && !hidden(view, seq); seq++) {
      const { message, bytes } = this.log[seq - 1]!;
      if (message.lane !== view.outgoing && message.lane !== view.incoming) continue;
      if (message.lane.sender.user === view.user)
        this.rows.pushedOwn(view, seq, message.lane.sender === view, message.clientSeq, bytes, 0, bytes.length, this.now++);
      else this.rows.pushed(view, seq, bytes, 0, bytes.length, this.now++);
    }
  }

  /** Puts a payload where all of them come in. Returns where it ends. */
  private onWire(bytes: Uint8Array): number {
    WIRE.fill(0xff).set(bytes, WIRE_START);
    return WIRE_START + bytes.length;
  }

  private addLane(sender: View, receivers: View[]): void {
    const lane = new Lane(this.ledger.lanes.length, this.conversation, sender, receivers);
    sender.outgoing = lane;
    for (const view of receivers) view.incoming = lane;
    this.conversation.lanes.push(lane);
    this.ledger.lanes.push(lane);
  }
}

const CLEAN = { lost: 0, duplicated: 0, out_of_order: 0, unacked: 0, heads_wrong: 0, foreign: 0, not_pushed: 0, heads_unchecked: 1 };

/** Runs `fault` on many histories and compares the counts with what it returns. */
function finds(what: string, fault: (world: World) => { counts: object; kinds: string[] } | undefined): void {
  t.test(what, (t) => {
    let played = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0 }), fc.integer({ min: 1, max: 4 }), fc.boolean(), fc.integer({ min: 1, max: 40 }), (seed, devices, both, count) => {
        const world = new World(seed, devices, devices === 1 && both);
        world.send(count);
        const expected = fault(world);
        if (expected === undefined) return;
        played++;
        const { counts, traces: all } = world.ledger.check();
        const traces = all.filter(({ what }) => what !== "head_unchecked" || expected.kinds.includes(what));
        for (const [name, value] of Object.entries({ ...CLEAN, ...expected.counts })) {
          if (counts[name as keyof typeof counts] !== value)
            throw new Error(`${name} is ${counts[name as keyof typeof counts]}, not ${value}: ${JSON.stringify(counts)}`);
        }
        for (const kind of expected.kinds) if (!traces.some((trace) => trace.what === kind)) throw new Error(`no trace of ${kind}`);
        if (expected.kinds.length === 0 && traces.length > 0) throw new Error(`a trace of nothing: ${JSON.stringify(traces[0])}`);
      }),
      { numRuns: 400 },
    );
    t.ok(played > 50, `${played} histories`);
    t.end();
  });
}

finds("nothing wrong: nothing found, everything delivered and let go", (world) => {
  world.play();
  const { ledger, messages, devices, log } = world;
  if (!ledger.settled) throw new Error("not settled");
  if (ledger.entries.count !== 0) throw new Error(`${ledger.entries.count} entries are kept`);
  const owed = messages.reduce((sum, { lane }) => sum + (lane.sender.user === 0 ? devices : 1), 0);
  if (ledger.delivered !== owed || world.latencies !== owed) throw new Error(`${ledger.delivered} of ${owed} delivered, ${world.latencies} latencies`);
  if (!ledger.head(world.conversation, log.length)) throw new Error("the right head is called wrong");
  return { counts: { acked: messages.length, heads_checked: 1, heads_unchecked: 0 }, kinds: [] };
});

finds("a row that a session never gets, and all behind it", (world) => {
  const { log, random } = world;
  const view = world.views[1 + random.below(world.devices)]!;
  const theirs = log.flatMap(({ message }, i) => (message.lane === view.incoming ? [i + 1] : []));
  if (theirs.length === 0) return undefined;
  const from = random.pick(theirs);
  world.play((each, seq) => each === view && seq >= from && log[seq - 1]!.message.lane === view.incoming);
  return { counts: { lost: theirs.filter((seq) => seq >= from).length }, kinds: ["lost"] };
});

finds("a message that is stored twice", (world) => {
  const { log, random, messages } = world;
  const again = random.pick(messages);
  const first = log.findIndex(({ message }) => message === again);
  log.splice(random.between(first + 1, log.length), 0, world.row(again));
  world.play();
  // In every session of the receiver, and in the sender's, which fetches it. (Other devices of a sender are not part of a cast.)
  return { counts: { duplicated: again.lane.receivers.length + 1 }, kinds: ["duplicated"] };
});

finds("two messages of a sender in the wrong order", (world) => {
  const { log, random } = world;
  const neighbours = log.flatMap(({ message }, i) => (log[i + 1]?.message.lane === message.lane ? [i] : []));
  if (neighbours.length === 0) return undefined;
  const i = random.pick(neighbours);
  [log[i], log[i + 1]] = [log[i + 1]!, log[i]!];
  world.play();
  return { counts: { out_of_order: 1 }, kinds: ["out_of_order"] };
});

finds("a row with other bytes than were sent", (world) => {
  const row = world.random.pick(world.log);
  row.bytes = FOREIGN;
  world.play();
  const { receivers, sender } = row.message.lane;
  // A sender that fetches its own row sees it as well; one that has the ack does not look.
  const own = sender.extras?.size ?? 0;
  return { counts: { lost: receivers.length, duplicated: receivers.length + own }, kinds: ["lost", "duplicated"] };
});

finds("a row that nobody wrote", (world) => {
  const { log, random, conversation } = world;
  const lane = random.pick(conversation.lanes);
  const at = random.between(0, log.length);
  log.splice(at, 0, { message: { lane, entry: -1, clientSeq: 0, text: 0 }, bytes: FOREIGN });
  world.play();
  return { counts: { duplicated: lane.receivers.length + 1 }, kinds: ["duplicated"] };
});

finds("a message that is never acked", (world) => {
  const { messages, log } = world;
  const last = log.at(-1)!.message;
  // Nor does its sender find it in a page, which would be as good as an ack.
  world.play(
    (view, seq) => view === last.lane.sender && seq === log.length,
    (message) => message !== last,
  );
  return { counts: { unacked: 1, acked: messages.length - 1 }, kinds: ["unacked"] };
});

finds("a message that is refused", (world) => {
  const { random, messages, ledger, log } = world;
  const refused = random.pick(messages);
  log.splice(
    log.findIndex(({ message }) => message === refused),
    1,
  );
  ledger.refuse(refused.lane, refused.entry, "BAD_TEXT");
  world.play();
  if (!ledger.settled) throw new Error("not settled");
  // A conversation in which nothing was stored has no head.
  return { counts: { unacked: 1, acked: messages.length - 1, heads_unchecked: messages.length > 1 ? 1 : 0 }, kinds: ["unacked"] };
});

finds("a retry that is answered with another row", (world) => {
  const { messages, log } = world;
  // The last one, so that the row that it is said to be is none that others have.
  const message = messages.at(-1)!;
  world.ledger.ack(message.lane, message.entry, log.findIndex((row) => row.message === message) + 1, 1);
  world.ledger.ack(message.lane, message.entry, log.length + 1, 2);
  world.play();
  return { counts: { duplicated: message.lane.receivers.length }, kinds: ["duplicated"] };
});

finds("rows that come again are told apart from doubles", (world) => {
  world.play();
  const before = world.ledger.check().counts.repeated_on_wire;
  const view = world.views[1]!;
  const theirs = world.log.flatMap(({ message }, i) => (message.lane === view.incoming ? [i + 1] : []));
  for (const seq of theirs) world.push(view, seq);
  return { counts: { repeated_on_wire: before + theirs.length }, kinds: [] };
});

finds("a row that comes again with other bytes", (world) => {
  world.play();
  const view = world.views[1]!;
  const seq = world.log.findLastIndex(({ message }) => message.lane === view.incoming) + 1;
  if (seq === 0) return undefined;
  world.push(view, seq);
  world.log[seq - 1]!.bytes = FOREIGN;
  world.push(view, seq);
  return { counts: { foreign: 1 }, kinds: ["foreign"] };
});

finds("a head that is not what was acked", (world) => {
  world.play();
  const wrong = world.random.chance(0.5) ? world.log.length + 1 : world.log.length - 1;
  if (world.ledger.head(world.conversation, wrong)) throw new Error("a wrong head is called right");
  return { counts: { heads_checked: 1, heads_wrong: 1, heads_unchecked: 0 }, kinds: ["head_wrong"] };
});

finds("a head that nobody was told", (world) => {
  world.play();
  return { counts: { heads_checked: 0, heads_unchecked: 1 }, kinds: ["head_unchecked"] };
});

finds("pushes that never come, of rows that come when they are asked for", (world) => {
  const { log, random, ledger } = world;
  const view = world.views[1 + random.below(world.devices)]!;
  const lane = view.incoming!;
  const theirs = log.flatMap(({ message }, i) => (message.lane === lane ? [i + 1] : []));
  if (theirs.length === 0) return undefined;
  const from = random.pick(theirs);
  const hidden = (each: View, seq: number): boolean => each === view && seq >= from;
  world.play(hidden);
  // Up to the last row that the session knows of, it asks by itself, without being told.
  const unknown = theirs.filter((seq) => seq >= from && seq > view.known);
  const excused = random.chance(0.3);
  ledger.askedFor(view, lane, excused ? Number.POSITIVE_INFINITY : 0);
  ledger.inPage = random.chance(0.8);
  const counted = !excused && ledger.inPage ? unknown.length : 0;
  world.fetch(view, () => false);
  return { counts: { not_pushed: counted }, kinds: counted > 0 ? ["not_pushed"] : [] };
});

t.test("rows of strangers are counted; traces are bounded, counts are not", (t) => {
  const world = new World(1, 1, false);
  world.send(500);
  for (let i = 0; i < 300; i++) world.ledger.stranger(1, "who is that");
  const { counts, traces } = world.ledger.check();
  t.match(counts, { duplicated: 0, foreign: 300, unacked: 500 });
  t.equal(traces.filter(({ what }) => what === "foreign").length, 100);
  t.equal(traces.filter(({ what }) => what === "unacked").length, 100);
  t.match(traces.at(-2), { what: "unacked", from: "user-0", to: "user-1" });
  t.end();
});

t.test("too many messages under way: told, not taken", (t) => {
  const ledger = new Ledger(TEXTS, { user: String, device: String }, { delivered: () => undefined, acked: () => undefined }, 1500);
  const conversation = new Conversation(0, 1);
  const lane = new Lane(0, conversation, new View(conversation, 0, 0, 1), [new View(conversation, 1, 1, 0)]);
  for (let i = 0; i < 2000; i++) ledger.intend(lane, 0, i);
  t.match(ledger, { intended: 1500, skipped: 500 });
  t.equal(lane.count, 1500, "numbers have no hole");
  t.end();
});

t.test("the schedule: so many a second from the start on, whatever happened in between", (t) => {
  const schedule = new Schedule();
  t.equal(schedule.next(5), 0);
  schedule.start(1_000_000, 500);
  const due: number[] = [];
  for (let at = schedule.next(1_010_000); at !== 0; at = schedule.next(1_010_000)) due.push(at);
  t.strictSame(due, [1_000_000, 1_002_000, 1_004_000, 1_006_000, 1_008_000, 1_010_000]);
  // A second of silence: all of its messages are due, each at its own time.
  let count = 0;
  let last = 0;
  for (let at = schedule.next(2_010_000); at !== 0; at = schedule.next(2_010_000)) {
    count++;
    last = at;
  }
  t.strictSame([count, last], [500, 2_010_000]);
  schedule.start(3_000_000, 3);
  t.strictSame([schedule.next(3_000_000), Math.round(schedule.next(3_400_000))], [3_000_000, 3_333_333]);
  schedule.start(0, 0);
  t.equal(schedule.next(9e9), 0);
  t.notOk(schedule.running);
  t.end();
});

t.test("people who come and go: each once before anybody leaves again", (t) => {
  for (let count = 1; count <= 200; count++) {
    const table = new SessionTable(count + 7);
    table.state.fill(State.Ready);
    const host = { nowMs: 0, table };
    const left: number[] = [];
    const wandering = new Wandering(host, { from: 5, to: 5 + count }, 1, (session) => left.push(session));
    for (; left.length < 2 * count; host.nowMs += 1000) wandering.tick();
    for (const round of [left.slice(0, count), left.slice(count, 2 * count)]) {
      const different = new Set(round).size;
      if (different !== count || Math.min(...round) !== 5 || Math.max(...round) !== 4 + count) t.fail(`${different} of ${count} left in a round`);
    }
  }
  t.end();
});

t.test("frames by hand are those of the generated code", (t) => {
  const names = new UserNames("run1", 1, 3);
  const writer = new SendWriter();
  const reader = new RowReader();
  const text = fc.string({ maxLength: 300, unit: "grapheme" });
  const number = fc.integer({ min: 1, max: 2 ** 28 - 1 });
  const seq = fc.maxSafeNat().map((n) => n + 0);
  fc.assert(
    fc.property(text, number, seq, fc.integer({ min: 0, max: 1_000_000 }), fc.boolean(), (text, clientSeq, seq, user, own) => {
      const texts = new Texts([text]);
      const length = writer.write(names, user, clientSeq, texts, 0);
      const peer = Buffer.from(names.text(user));
      const body = hawser.v1.Send.encode({ peer, clientSeq, payload: Buffer.from(text) }).finish();
      const sent = writer.bytes.subarray(length - body.length, length);
      if (!Buffer.from(body).equals(sent)) throw new Error("Send differs");
      if (writer.bytes[length - body.length - 1] !== FrameType.Send) throw new Error("no Send");
      if (names.read(peer, 0, peer.length) !== user) throw new Error("a name does not read as it was written");
      const payload = Buffer.from(text);
      const row = own ? { to: peer, install: Buffer.alloc(8, 7), clientSeq } : { from: peer };
      const push = hawser.v1.Push.encode({ ...row, seq, time: 50_000_000_000, kind: 33, payload, uncounted: 3 }).finish();
      const padded = Buffer.concat([Buffer.from([9, 9]), push, Buffer.from([9])]);
      reader.readPush(padded, 2, 2 + push.length);
      const field = (start: number, end: number): string => padded.subarray(start, end).toString("hex");
      const read = [reader.seq, reader.kind, field(reader.payloadStart, reader.payloadEnd), reader.clientSeq];
      const fields = [field(reader.fromStart, reader.fromEnd), field(reader.toStart, reader.toEnd), field(reader.installStart, reader.installEnd)];
      const expected = own ? ["", peer.toString("hex"), "07".repeat(8)] : [peer.toString("hex"), "", ""];
      if (JSON.stringify([...read, ...fields]) !== JSON.stringify([seq, 33, payload.toString("hex"), own ? clientSeq : 0, ...expected]))
        throw new Error("Push differs");
      const answer = hawser.v1.Sent.encode({ ref: clientSeq, seq, time: 5, durability: 2 }).finish();
      reader.readSent(answer, 0, answer.length);
      if (reader.ref !== clientSeq || reader.seq !== seq) throw new Error("Sent differs");
    }),
  );
  // Whatever comes: read or refused, never read beyond the end.
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const whole = Buffer.concat([bytes, Buffer.alloc(50, 1)]);
      try {
        reader.readPush(whole, 0, bytes.length);
        if (Math.max(reader.payloadEnd, reader.fromEnd, reader.toEnd, reader.installEnd) > bytes.length) throw new Error("read beyond the end");
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
  t.equal(names.read(Buffer.from("run20000000"), 0, 11), -1, "of another run");
  t.equal(names.read(Buffer.from(new UserNames("run1", 0, 3).text(5)), 0, 11), -1, "of another driver");
  t.throws(() => new UserNames("Too long", 0, 1), /a-z/);
  t.end();
});

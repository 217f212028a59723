// The protocols against bytes as servers send them, whole and in all pieces; figures, losses and tables; and a small real
// run of the peers that need nothing but the project's own packages.
import fc from "fast-check";
import t from "tap";
import { wireMaker } from "../../loadtest/driver/open-wire.ts";
import { encodeBatch, encodeMessage } from "../../proto/frame.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";
import { hawser as wire } from "../../proto/gen/hawser.js";
import type { Conditions } from "../conditions.ts";
import { catalogue, type Peer } from "./catalogue.ts";
import { floor } from "./protocol/floor.ts";
import { hawser } from "./protocol/hawser.ts";
import { mqtt } from "./protocol/mqtt.ts";
import { nats } from "./protocol/nats.ts";
import type { PeerIdentity, PeerProtocol, PeerSession } from "./protocol/protocol.ts";
import { raw } from "./protocol/raw.ts";
import { socketio } from "./protocol/socketio.ts";
import { attribute, escapeXml, stanzaEnd, unescapeXml, xmpp } from "./protocol/xmpp.ts";
import { figuresOf, lossesOf, type PeerFigures, type PeerRounds } from "./result.ts";
import { type PeersOptions, runPeers } from "./run.ts";
import { NotInstalled } from "./server/server.ts";
import { BEGIN, END, formatPeers, markdown, withTable } from "./table.ts";

t.setTimeout(120_000);

const ME: PeerIdentity = { user: "u0000000001" };
const TEXTS = ["ok", "Grüße <b>&amp;</b> \"'\r\n", "我到了，你在哪里？", "x".repeat(300)];

const QUIET: Conditions = { seconds: 1, stolen_percent: 0, paused_percent: null, longest_pause_ms: null };

class Recorder {
  readonly events: string[] = [];
  readonly written: Buffer[] = [];

  session(protocol: PeerProtocol, identity: PeerIdentity = ME): PeerSession {
    return protocol.session(identity, {
      write: (bytes) => this.written.push(Buffer.from(bytes)),
      ready: () => this.events.push("ready"),
      delivered: (text) => this.events.push(`delivered ${Buffer.from(text).toString()}`),
      acked: () => this.events.push("acked"),
      failed: (reason) => this.events.push(`failed ${reason}`),
    });
  }

  get text(): string {
    return Buffer.concat(this.written).toString("latin1");
  }
}

/** Hands over the stream cut at these places, as a wire does: what was not consumed comes again with the next piece. */
function feed(session: PeerSession, stream: Uint8Array, cuts: readonly number[]): number {
  let consumed = 0;
  for (const end of [...cuts.filter((cut) => cut <= stream.length).sort((a, b) => a - b), stream.length]) {
    if (end > consumed) consumed += session.data(Buffer.from(stream), consumed, end);
  }
  return consumed;
}

interface StreamCase {
  name: string;
  protocol: PeerProtocol;
  identity?: PeerIdentity;
  stream: Buffer;
  events: string[];
}

const delivered = TEXTS.map((text) => `delivered ${text}`);
const NS = "xmlns:stream='http://etherx.jabber.org/streams'";
const xmppText = (text: string) =>
  `<message from="u2@localhost/bench" to='${ME.user}@localhost' type='chat'><body>${escapeXml(Buffer.from(text))}</body></message>`;

const STREAMS: StreamCase[] = [
  {
    name: "MQTT, QoS 0",
    protocol: mqtt(0),
    stream: Buffer.concat([Buffer.from([0x20, 2, 0, 0, 0x90, 3, 0, 1, 0]), ...TEXTS.map((text) => publish(0x30, text)), Buffer.from([0xd0, 0])]),
    events: ["ready", ...delivered],
  },
  {
    name: "MQTT, QoS 1",
    protocol: mqtt(1),
    stream: Buffer.concat([Buffer.from([0x20, 2, 0, 0, 0x90, 3, 0, 1, 1]), ...TEXTS.map((text) => publish(0x32, text)), Buffer.from([0x40, 2, 0, 2])]),
    events: ["ready", ...delivered, "acked"],
  },
  {
    name: "NATS",
    protocol: nats,
    stream: Buffer.from(
      `INFO {"server_id":"x"}\r\nPONG\r\n${TEXTS.map((text) => `MSG u.${ME.user} 1 ${Buffer.byteLength(text)}\r\n${text}\r\n`).join("")}PING\r\n-ERR 'no'\r\n`,
    ),
    events: ["ready", ...delivered, "failed -ERR 'no'"],
  },
  {
    name: "XMPP",
    protocol: xmpp({ domain: "localhost", rooms: "rooms.localhost", password: "pw", acks: true }),
    stream: Buffer.from(
      `<?xml version='1.0'?><stream:stream id='1' from='localhost' ${NS}><stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>` +
        `<success xmlns='s'/><?xml version='1.0'?><stream:stream id='2' ${NS}><stream:features><bind xmlns='b'/></stream:features>` +
        `<iq type='result' id='bind'><bind><jid>x</jid></bind></iq><enabled xmlns='sm'/><presence from='${ME.user}@localhost/bench' to='x'/><r xmlns='sm'/>` +
        `${TEXTS.map(xmppText).join("\n")}<a h='2' xmlns='sm'/><message type='groupchat' from="r@rooms.localhost"><subject/></message><stream:error><x/></stream:error>`,
    ),
    events: ["ready", ...delivered, "acked", "failed <stream:error><x/></stream:error>"],
  },
  {
    name: "Hawser",
    protocol: hawser,
    stream: Buffer.concat([
      encodeMessage(FrameType.Welcome, wire.v1.Welcome, { version: 1, heartbeatMs: 1000 }),
      encodeMessage(FrameType.Heads, wire.v1.Heads, { ref: 0 }),
      Buffer.from([0]),
      ...TEXTS.slice(0, 2).map((text) => encodeMessage(FrameType.Push, wire.v1.Push, push(text))),
      encodeBatch(
        FrameType.Push | HeaderBit.Batch,
        TEXTS.slice(2).map((text) => wire.v1.Push.encode(push(text)).finish()),
      ),
      encodeMessage(FrameType.Sent, wire.v1.Sent, { ref: 1, seq: 1 }),
      encodeMessage(FrameType.Error, wire.v1.Error, { code: 12, ref: 2, detail: "later" }),
    ]),
    events: ["ready", ...delivered, "acked", "failed BUSY for request 2 later"],
  },
  { name: "the floor", protocol: floor, stream: Buffer.concat(TEXTS.map(floorMessage)), events: delivered },
];

function publish(first: number, text: string): Buffer {
  const topic = Buffer.from(`u/${ME.user}`);
  const body = Buffer.concat([Buffer.from([0, topic.length]), topic, Buffer.from(first === 0x32 ? [0, 9] : []), Buffer.from(text)]);
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

function push(text: string): { from: Uint8Array; seq: number; payload: Uint8Array } {
  return { from: Buffer.from("u2"), seq: 1, payload: Buffer.from(text) };
}

function floorMessage(text: string): Buffer {
  const recorder = new Recorder();
  recorder.session(floor).send("", Buffer.from(text));
  return recorder.written[0]!;
}

for (const { name, protocol, identity, stream, events } of STREAMS) {
  t.test(`${name}: the same events whatever the pieces`, (t) => {
    const run = (cuts: readonly number[]): { events: string[]; written: string } => {
      const recorder = new Recorder();
      const session = recorder.session(protocol, identity);
      t.equal(feed(session, stream, cuts), stream.length, "all of it was consumed");
      return { events: recorder.events, written: recorder.text };
    };
    const whole = run([]);
    t.strictSame(whole.events, events);
    const bytewise = run(Array.from({ length: stream.length }, (_, i) => i));
    t.strictSame(bytewise, whole);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const recorder = new Recorder();
        feed(recorder.session(protocol, identity), stream, cuts);
        return JSON.stringify(recorder.events) === JSON.stringify(events) && recorder.text === whole.written;
      }),
      { numRuns: 200 },
    );
    t.end();
  });
}

t.test("protocols whose messages a WebSocket tells apart", (t) => {
  const io = new Recorder();
  const socket = io.session(socketio, { user: "u1", group: "g" });
  socket.opened();
  for (const packet of ['0{"sid":"x"}', '40{"sid":"y"}', "430[]", "2", `42${JSON.stringify(["message", "u2", TEXTS[1]])}`, "431[]", "44{}"]) {
    const bytes = Buffer.from(`--${packet}`);
    t.equal(socket.data(bytes, 2, bytes.length), bytes.length - 2);
  }
  t.strictSame(io.events, ["ready", `delivered ${TEXTS[1]}`, "acked", "failed 44{}"]);
  socket.send("u2", Buffer.from("hi"));
  t.strictSame(io.written.map(String), ["40", '420["login","u1","g"]', "3", '421["message","u2","hi"]']);

  const bare = new Recorder();
  const session = bare.session(raw, { user: "u1", group: "g" });
  session.opened();
  session.send("u2", Buffer.from("hi"));
  t.strictSame(
    bare.written.map((bytes) => bytes.toString("latin1")),
    ["\x06\x01g", "\x01\x02u1", "\x03\x02u2hi"],
  );
  for (const message of ["\x02", "\x05\x02u2hello", "\x09"]) session.data(Buffer.from(message), 0, message.length);
  t.strictSame(bare.events, ["ready", "delivered hello", "failed a message of kind 9"]);
  t.end();
});

t.test("what is written, byte by byte", (t) => {
  const persistent = new Recorder();
  const session = persistent.session(mqtt(1), { user: "u1", group: "g" });
  session.opened();
  t.equal(persistent.text, "\x10\x0e\x00\x04MQTT\x04\x00\x02\x58\x00\x02u1", "CONNECT: level 4, session kept, 600 s");
  session.data(Buffer.from([0x20, 2, 0, 0]), 0, 4);
  t.equal(persistent.written[1]!.toString("latin1"), "\x82\x0f\x00\x01\x00\x04u/u1\x01\x00\x03g/g\x01", "SUBSCRIBE to both");
  session.data(Buffer.from([0x90, 4, 0, 1, 1, 1]), 0, 6);
  session.send("u2", Buffer.from("hi"));
  t.equal(persistent.written[2]!.toString("latin1"), "\x32\x0a\x00\x04u/u2\x00\x02hi", "PUBLISH with a number of its own");
  // Back after a loss, and the broker says that it kept the session: nothing to subscribe to.
  session.opened();
  session.data(Buffer.from([0x20, 2, 1, 0]), 0, 4);
  t.strictSame(persistent.events, ["ready", "ready"]);
  t.equal(persistent.written.length, 4);

  const core = new Recorder();
  const client = core.session(nats, { user: "u1", group: "g" });
  client.opened();
  t.equal(core.text, "", "the server speaks first");
  client.data(Buffer.from("INFO {}\r\n"), 0, 9);
  t.match(core.text, /^CONNECT \{.*\}\r\nSUB u\.u1 1\r\nSUB g\.g 2\r\nPING\r\n$/);
  client.publish("g", Buffer.from("Grüße"));
  t.equal(core.written[1]!.toString(), "PUB g.g 7\r\nGrüße\r\n");

  const light = new Recorder();
  const device = light.session(hawser, { user: "d1", group: "g" });
  device.opened();
  device.opened();
  const hellos = light.written.map((bytes) => wire.v1.Hello.decode(bytes.subarray(2)));
  t.match(
    hellos,
    [
      { token: "dev:g", connection: 1 },
      { token: "dev:g", connection: 2 },
    ],
    "a device of the group's user, the same install again",
  );
  t.strictSame(hellos[0]!.install, hellos[1]!.install);
  t.end();
});

t.test("XML", (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."&<>;#xa1\"'\r\n é你😀") }),
      (text) => unescapeXml(escapeXml(Buffer.from(text))) === Buffer.from(text).toString(),
    ),
  );
  t.equal(unescapeXml("&lt;&#x41;&#66;&quot;&unknown;"), '<AB"&unknown;');
  const stanza = Buffer.from(`  <a b='>' c="'/>"><d/><e>x</e></a>`);
  t.equal(stanzaEnd(stanza, 0, stanza.length), stanza.length);
  for (let end = 0; end < stanza.length; end++) t.equal(stanzaEnd(stanza, 0, end), -1);
  t.equal(attribute(`<a from="x>y" to='z'/>`, "to"), undefined, "quoted > is not looked for: servers escape it");
  t.equal(attribute(`<a from="x" to='z'/>`, "to"), "z");
  t.end();
});

t.test("figures, losses and tables", (t) => {
  const rounds = (name: string, cpu: number[], ack: string): PeerRounds => ({
    name,
    label: name,
    version: "1",
    guarantees: { ack, order: "o", duplicates: "d" },
    skipped: null,
    idle: [],
    busy: [],
    direct: cpu.map((cpuMicros, round) => ({
      round,
      failed: null,
      conditions: QUIET,
      result: { messages: 1, perSecond: 1, cpuMicros, split: { a: cpuMicros / 2, b: cpuMicros / 2 }, wireBytes: 100, textBytes: 30, driverPercent: 5 },
    })),
    fanout: [{ round: 0, failed: "it broke", conditions: QUIET, result: null }],
  });
  const floorRounds = rounds("floor", [2, 4, 10], "none");
  const own = figuresOf(rounds("hawser", [20, 20, 20], "fsync"), floorRounds);
  t.match(own, {
    cpu_us_per_message: 20,
    message_ratio_to_floor: 5,
    wire_overhead_per_message: 40,
    message_split_us: { a: 10 },
    recovery_ms: null,
    failed: ["it broke"],
  });
  const fast = figuresOf(rounds("fast", [1, 1, 9], "none"), floorRounds);
  const alike = figuresOf(rounds("alike", [19.5, 19.5, 19.5], "x"), floorRounds);
  t.strictSame(lossesOf(own, [alike, fast]), ["hawser loses in CPU per 1:1 message, 20.0 µs, to fast (1.0; ack: none)."]);
  t.strictSame(lossesOf(fast, [own]), []);
  const missing: PeerFigures = { ...fast, name: "gone", label: "gone", skipped: "apt-get install gone" };
  const result = {
    bench: "peers" as const,
    at: "2026-01-01T00:00:00Z",
    command: "npm run bench:peers",
    machine: { cpu: "c", cores: 2, memory_bytes: 1, kernel: "6", node: "v20" },
    settings: { rounds: 3, seconds: 1, settle_seconds: 1, connections: 1, pairs: 1, busy_pairs: 1, members: 1, in_flight: 1, wire: "net", texts: "t" },
    figures: [own, missing],
    losses: ["hawser loses."],
    unfit: ["noise"],
    rounds: [],
  };
  const shown = formatPeers(result);
  for (const words of ["hawser loses.", "FAILED: hawser: it broke", "NOT INSTALLED: gone: apt-get install gone", "UNFIT: noise"])
    t.ok(shown.includes(words), words);
  const table = markdown(result);
  t.match(table, /\| gone \| not installed \|/);
  const page = `before\n${BEGIN}\nold\n${END}\nafter\n`;
  const written = withTable(page, table);
  t.ok(written.startsWith("before\n") && written.endsWith(`${END}\nafter\n`) && !written.includes("old"));
  t.equal(withTable(written, table), written, "writing twice changes nothing");
  t.throws(() => withTable("no markers", table), RangeError);
  t.end();
});

t.test("a real run", async (t) => {
  const absent: Peer = {
    ...catalogue().find(({ name }) => name === "nats")!,
    name: "absent",
    label: "absent",
    prepare: () => {
      throw new NotInstalled("it is not here");
    },
  };
  const lines: string[] = [];
  const options: PeersOptions = {
    rounds: 1,
    seconds: 0.3,
    warmSeconds: 0.2,
    settleSeconds: 0.2,
    connections: 100,
    pairs: 5,
    busyPairs: 10,
    members: 10,
    inFlight: 4,
    measures: ["direct", "fanout"],
    install: false,
    texts: TEXTS.map((text) => Buffer.from(text)),
    source: "test",
    maker: wireMaker("auto"),
    command: "test",
    progress: (line) => lines.push(line),
    stopped: () => false,
  };
  const named = (...names: string[]) => catalogue().filter(({ name }) => names.includes(name));
  const messages = await runPeers([...named("hawser-ws", "ws", "uws"), absent], options);
  const idle = await runPeers(named("ws"), { ...options, measures: ["idle"] });
  t.strictSame(
    messages.figures.map(({ name, failed }) => [name, failed]),
    [
      ["hawser-ws", []],
      ["uws", []],
      ["ws", []],
      ["absent", []],
    ],
    lines.join("\n"),
  );
  for (const figures of messages.figures.slice(0, 3)) {
    t.ok(figures.messages_per_second! > 0 && figures.deliveries_per_second! > 0, figures.name);
    t.ok(figures.wire_overhead_per_message! > 10, `${figures.name}: ${figures.wire_overhead_per_message} bytes beyond the text`);
  }
  t.equal(messages.figures[3]!.skipped, "it is not here");
  for (const figures of idle.figures) t.match(figures, { missing: 0, failed: [], recovery_ms: Number }, figures.name);
  t.strictSame(Object.keys(messages.figures[0]!.message_split_us).sort(), ["gateway", "logic", "nats"]);

  const stopping = runPeers(named("ws"), { ...options, seconds: 20, stopped: () => lines.push("asked") > 0 });
  await t.rejects(stopping, /stopped/, "asked to stop, it stops");
});

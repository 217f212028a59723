// The checker: what was sent and acked, what each device was shown, and what is wrong between the two. Pure.
//
// A device's view of a conversation must be the rows 1, 2, 3 … n with the texts and senders that were acked at those
// numbers, n being what was sent there; and the numbers of each sender's messages must rise in the order in which
// they were sent. Everything else is counted as lost, duplicated or out of order, with a trace.

export interface SentMessage {
  /** Number in the order of sending. */
  readonly index: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** The seq that the ack named; 0 until acked. */
  seq: number;
}

export interface Findings {
  messages: number;
  acked: number;
  /** Messages that every device of the recipient was shown. */
  delivered: number;
  lost: number;
  duplicated: number;
  outOfOrder: number;
  /** The first findings, a line each. */
  traces: string[];
}

const TRACES_MAX = 50;

/** What one device was shown of one conversation, as it came. */
interface View {
  readonly seqs: number[];
  readonly texts: string[];
  readonly senders: string[];
}

/** Between the two users of a conversation's name: in no id of a sane person's file. */
const BETWEEN = "\u0000";

/** The same name for both sides of a direct conversation. */
export function conversationName(a: string, b: string): string {
  return a < b ? a + BETWEEN + b : b + BETWEEN + a;
}

export class Ledger {
  private readonly sent: SentMessage[];
  private readonly devices: Map<string, { user: string; views: Map<string, View> }>;
  private readonly devicesOf: Map<string, number>;
  /** Rows that all devices together must be shown in the end. */
  expected: number;

  constructor() {
    this.sent = [];
    this.devices = new Map();
    this.devicesOf = new Map();
    this.expected = 0;
  }

  /** All devices are added before the first message is sent. */
  addDevice(device: string, user: string): void {
    this.devicesOf.set(user, (this.devicesOf.get(user) ?? 0) + 1);
    this.devices.set(device, { user, views: new Map() });
  }

  /** A message is about to be sent; its `seq` is set when the ack comes. */
  send(from: string, to: string, text: string): SentMessage {
    const message = { index: this.sent.length, from, to, text, seq: 0 };
    this.sent.push(message);
    this.expected += (this.devicesOf.get(from) ?? 0) + (from === to ? 0 : (this.devicesOf.get(to) ?? 0));
    return message;
  }

  /** A device shows a row. */
  show(device: string, conversation: string, seq: number, text: string, from: string): void {
    const { views } = this.devices.get(device)!;
    let view = views.get(conversation);
    if (view === undefined) {
      view = { seqs: [], texts: [], senders: [] };
      views.set(conversation, view);
    }
    view.seqs.push(seq);
    view.texts.push(text);
    view.senders.push(from);
  }

  /** Acked messages, for a look into the store. */
  acked(): readonly SentMessage[] {
    return this.sent.filter((message) => message.seq > 0);
  }

  check(): Findings {
    const findings: Findings = { messages: this.sent.length, acked: 0, delivered: 0, lost: 0, duplicated: 0, outOfOrder: 0, traces: [] };
    const trace = (line: string): void => {
      if (findings.traces.length < TRACES_MAX) findings.traces.push(line.replaceAll(BETWEEN, " and "));
    };
    const missing = new Set<SentMessage>();
    const conversations = this.checkSenders(findings, missing, trace);
    for (const [device, { user, views }] of this.devices) {
      for (const [conversation, rows] of conversations) {
        if (!conversation.split(BETWEEN).includes(user)) continue;
        checkView(device, conversation, views.get(conversation), rows, findings, missing, trace);
      }
      for (const conversation of views.keys()) {
        if (conversations.has(conversation)) continue;
        findings.duplicated++;
        trace(`${device} was shown a conversation that nobody wrote in: ${conversation}`);
      }
    }
    findings.lost = missing.size;
    findings.delivered = findings.messages - missing.size;
    return findings;
  }

  /** Counts acks and the order of each sender's numbers. Returns the acked rows of each conversation by seq. */
  private checkSenders(findings: Findings, missing: Set<SentMessage>, trace: (line: string) => void): Map<string, Map<number, SentMessage>> {
    const conversations = new Map<string, Map<number, SentMessage>>();
    const lastSeq = new Map<string, number>();
    for (const message of this.sent) {
      const name = conversationName(message.from, message.to);
      let rows = conversations.get(name);
      if (rows === undefined) conversations.set(name, (rows = new Map()));
      if (message.seq === 0) {
        missing.add(message);
        trace(`message ${message.index} of ${message.from} to ${message.to} was never acked`);
        continue;
      }
      findings.acked++;
      const twin = rows.get(message.seq);
      if (twin !== undefined) {
        missing.add(twin);
        trace(`messages ${twin.index} and ${message.index} were acked under one seq ${message.seq} of ${name}`);
      }
      rows.set(message.seq, message);
      const sender = `${message.from} in ${name}`;
      const last = lastSeq.get(sender) ?? 0;
      if (message.seq < last) {
        findings.outOfOrder++;
        trace(`${sender}: message ${message.index} got seq ${message.seq} after ${last}`);
      }
      lastSeq.set(sender, Math.max(last, message.seq));
    }
    return conversations;
  }
}

function checkView(
  device: string,
  conversation: string,
  view: View | undefined,
  rows: ReadonlyMap<number, SentMessage>,
  findings: Findings,
  missing: Set<SentMessage>,
  trace: (line: string) => void,
): void {
  const seen = new Set<number>();
  let last = 0;
  for (const [i, seq] of (view?.seqs ?? []).entries()) {
    const message = rows.get(seq);
    if (seen.has(seq)) {
      findings.duplicated++;
      trace(`${device} was shown seq ${seq} of ${conversation} twice`);
      continue;
    }
    if (seq !== last + 1) {
      findings.outOfOrder++;
      trace(`${device} was shown seq ${seq} of ${conversation} after ${last}`);
    }
    last = seq;
    if (message === undefined) {
      // A row under a number that no ack named: some message stands in the log twice.
      findings.duplicated++;
      trace(`${device} was shown seq ${seq} of ${conversation}, which was never acked`);
    } else if (message.text !== view!.texts[i] || message.from !== view!.senders[i]) {
      findings.outOfOrder++;
      trace(`${device} was shown another text or sender than was acked at seq ${seq} of ${conversation}`);
    } else seen.add(seq);
  }
  for (const [seq, message] of rows) {
    if (seen.has(seq)) continue;
    missing.add(message);
    trace(`${device} was never shown seq ${seq} of ${conversation} (message ${message.index})`);
  }
}

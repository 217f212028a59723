// The checker must find what it is there to find: every kind of wrong is made once, and seen as what it is.
import t from "tap";
import { conversationName, Ledger } from "./ledger.ts";
import { sampleMessages } from "../cast/messages.ts";

/** Two users with a device each, three messages acked 1, 2, 3. */
function threeMessages() {
  const ledger = new Ledger();
  ledger.addDevice("a/phone", "a");
  ledger.addDevice("b/phone", "b");
  const sent = [ledger.send("a", "b", "one"), ledger.send("b", "a", "two"), ledger.send("a", "b", "three")];
  for (const [i, message] of sent.entries()) message.seq = i + 1;
  return { ledger, sent, name: conversationName("b", "a") };
}

function show(ledger: Ledger, device: string, name: string, rows: [number, string][]) {
  for (const [seq, text] of rows) ledger.show(device, name, seq, text, seq % 2 === 1 ? "a" : "b");
}

const ALL: [number, string][] = [
  [1, "one"],
  [2, "two"],
  [3, "three"],
];

t.test("what is right is found right", (t) => {
  const { ledger, name } = threeMessages();
  show(ledger, "a/phone", name, ALL);
  show(ledger, "b/phone", name, ALL);
  t.match(ledger.check(), { messages: 3, acked: 3, delivered: 3, lost: 0, duplicated: 0, outOfOrder: 0, traces: [] });
  t.equal(ledger.expected, 6);
  t.end();
});

t.test("each kind of wrong is found", (t) => {
  const cases: { what: string; rows: [number, string][]; finds: object }[] = [
    { what: "a lost tail", rows: ALL.slice(0, 2), finds: { lost: 1, delivered: 2, duplicated: 0, outOfOrder: 0 } },
    { what: "a lost middle", rows: [ALL[0]!, ALL[2]!], finds: { lost: 1, outOfOrder: 1 } },
    { what: "nothing at all", rows: [], finds: { lost: 3, delivered: 0 } },
    { what: "a row shown twice", rows: [...ALL, ALL[2]!], finds: { lost: 0, duplicated: 1 } },
    { what: "rows swapped", rows: [ALL[1]!, ALL[0]!, ALL[2]!], finds: { lost: 0, outOfOrder: 3 } },
    { what: "a message stored twice", rows: [...ALL, [4, "three"]], finds: { duplicated: 1, lost: 0 } },
    { what: "another text", rows: [ALL[0]!, [2, "tow"], ALL[2]!], finds: { outOfOrder: 1, lost: 1 } },
  ];
  for (const { what, rows, finds } of cases) {
    const { ledger, name } = threeMessages();
    show(ledger, "a/phone", name, ALL);
    show(ledger, "b/phone", name, rows);
    const findings = ledger.check();
    t.match(findings, finds, what);
    t.not(findings.traces.length, 0, `${what}: with a trace`);
  }
  t.end();
});

t.test("a row under another's name is found", (t) => {
  const { ledger, name } = threeMessages();
  show(ledger, "a/phone", name, ALL);
  show(ledger, "b/phone", name, ALL.slice(0, 2));
  ledger.show("b/phone", name, 3, "three", "b");
  t.match(ledger.check(), { outOfOrder: 1, lost: 1, delivered: 2 });
  t.end();
});

t.test("acks that contradict each other are found", (t) => {
  const unacked = threeMessages();
  unacked.sent[2]!.seq = 0;
  show(unacked.ledger, "a/phone", unacked.name, ALL.slice(0, 2));
  show(unacked.ledger, "b/phone", unacked.name, ALL.slice(0, 2));
  t.match(unacked.ledger.check(), { acked: 2, lost: 1 }, "never acked is lost");

  const swapped = threeMessages();
  swapped.sent[0]!.seq = 3;
  swapped.sent[2]!.seq = 1;
  t.match(swapped.ledger.check(), { outOfOrder: 1 }, "a sender's messages stand in another order than sent");

  const twin = threeMessages();
  twin.sent[2]!.seq = 1;
  t.match(twin.ledger.check(), { lost: 3 }, "two messages under one number");

  const stranger = threeMessages();
  stranger.ledger.show("a/phone", conversationName("a", "z"), 1, "?", "z");
  t.ok(stranger.ledger.check().duplicated > 0, "a conversation that nobody wrote in");
  t.end();
});

t.test("ids with spaces in them are told apart", (t) => {
  const ledger = new Ledger();
  ledger.addDevice("1", "a b");
  ledger.addDevice("2", "c");
  ledger.addDevice("3", "b c");
  ledger.send("a b", "c", "x").seq = 1;
  ledger.show("1", conversationName("a b", "c"), 1, "x", "a b");
  ledger.show("2", conversationName("c", "a b"), 1, "x", "a b");
  t.match(ledger.check(), { delivered: 1, lost: 0, duplicated: 0, outOfOrder: 0 });
  t.not(conversationName("a b", "c"), conversationName("a", "b c"));
  t.end();
});

t.test("the built-in sample is the same every time, and of the shape that files have", (t) => {
  const messages = sampleMessages(500);
  t.strictSame(messages, sampleMessages(500));
  t.ok(messages.every(({ from, to, text }) => from !== "" && to !== "" && from !== to && text !== ""));
  t.ok(new Set(messages.map(({ from }) => from)).size > 20, "many senders");
  t.end();
});

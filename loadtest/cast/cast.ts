// Who there is in one driver, who writes to whom, and what: computed from the plan alone, so that every driver of a run
// finds the same whole and takes its own part. Numbers only: users, sessions, conversations, lanes and texts are indexes.
//
//   user          somebody; has one session for each device
//   conversation  two users
//   lane          one direction of a conversation that messages go in, with the texts for it, in their order
//   turns         lanes in the order in which they send, each as often as in reality, shuffled
//
// Both users of a conversation always live in the same driver, which therefore sees both ends of every message.
// Sessions are strewn over the index at random, so that a share of them (control.ts) is a fair sample: the sessions of 0 … 0.5
// are half of everybody's partners, not half of the neighbourhoods.
import { Random } from "../../proto/testing/random.ts";
import type { CastPlan } from "../driver/control.ts";
import type { ChatMessage } from "./messages.ts";
import { Texts } from "./texts.ts";

/** Turns that are kept; of a larger cast only so many messages have theirs. */
const TURNS_MAX = 4_000_000;

export interface CastInput {
  driver: number;
  drivers: number;
  /** Of this driver. */
  sessions: number;
  seed: number;
  plan: CastPlan;
}

export class Cast {
  readonly sessions: number;
  readonly users: number;
  readonly texts: Texts;
  /** Users of each conversation. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly laneConversation: Int32Array;
  /** 1: from `second` to `first`. */
  readonly laneFromSecond: Uint8Array;
  /** Texts of lane i: laneTexts[laneStart[i] … laneStart[i] + laneCount[i]), again and again. */
  readonly laneStart: Int32Array;
  readonly laneCount: Int32Array;
  readonly laneTexts: Int32Array;
  readonly turns: Int32Array;
  private readonly places: Places;
  /** Groups and devices of a fan-out; 0: everybody has one device. */
  private readonly groups: number;
  private readonly devices: number;

  constructor(sessions: number, seed: number, texts: Texts, draft: Draft, groups = 0, devices = 0) {
    this.sessions = sessions;
    this.users = sessions - groups * Math.max(0, devices - 1);
    this.texts = texts;
    this.first = Int32Array.from(draft.first);
    this.second = Int32Array.from(draft.second);
    this.laneConversation = Int32Array.from(draft.laneConversation);
    this.laneFromSecond = Uint8Array.from(draft.laneFromSecond);
    this.laneStart = Int32Array.from(draft.laneStart);
    this.laneCount = Int32Array.from(draft.laneCount);
    this.laneTexts = draft.laneTexts;
    this.turns = draft.turns;
    this.places = new Places(sessions, new Random(seed));
    this.groups = groups;
    this.devices = devices;
  }

  /** Users 2g and 2g + 1 are sender and receiver of group g; behind them come those who are in none. */
  userOf(session: number): number {
    const place = this.places.placeOf[session]!;
    const size = this.devices + 1;
    if (this.groups === 0) return place;
    if (place >= this.groups * size) return place - this.groups * (size - 2);
    const group = Math.floor(place / size);
    return 2 * group + (place === group * size ? 0 : 1);
  }

  /** Which of its user's devices a session is, from 0. */
  deviceOf(session: number): number {
    const place = this.places.placeOf[session]!;
    const size = this.devices + 1;
    if (this.groups === 0 || place >= this.groups * size) return 0;
    return Math.max(0, (place % size) - 1);
  }

  sessionsOf(user: number): number[] {
    const size = this.devices + 1;
    if (this.groups === 0) return [this.places.sessionAt[user]!];
    if (user >= 2 * this.groups) return [this.places.sessionAt[user + this.groups * (size - 2)]!];
    const start = Math.floor(user / 2) * size;
    if (user % 2 === 0) return [this.places.sessionAt[start]!];
    return Array.from({ length: this.devices }, (_, device) => this.places.sessionAt[start + 1 + device]!);
  }
}

/** What becomes a Cast, while it grows. */
class Draft {
  readonly first: number[] = [];
  readonly second: number[] = [];
  readonly laneConversation: number[] = [];
  readonly laneFromSecond: number[] = [];
  readonly laneStart: number[] = [];
  readonly laneCount: number[] = [];
  laneTexts: Int32Array = new Int32Array(0);
  turns: Int32Array = new Int32Array(0);

  lane(conversation: number, fromSecond: boolean, start: number, count: number): number {
    this.laneConversation.push(conversation);
    this.laneFromSecond.push(fromSecond ? 1 : 0);
    this.laneStart.push(start);
    this.laneCount.push(count);
    return this.laneConversation.length - 1;
  }
}

/** Nobody talks to anybody. */
export function silentCast(sessions: number, seed: number): Cast {
  return new Cast(sessions, seed, new Texts([]), new Draft());
}

/** Throws RangeError when the sessions do not suffice for the plan. */
export function makeCast(input: CastInput, messages: readonly ChatMessage[]): Cast {
  return input.plan.kind === "pairs" ? pairsCast(input, input.plan.talkers, messages) : fanoutCast(input, input.plan.devices, messages);
}

function fanoutCast({ sessions, seed }: CastInput, devices: number, messages: readonly ChatMessage[]): Cast {
  const groups = Math.floor(sessions / (devices + 1));
  if (!(devices >= 1) || groups === 0) {
    throw new RangeError(
      `a fan-out to ${devices} devices needs ${devices + 1} sessions in each driver, and this one has ${sessions}: more connections, or fewer devices or drivers`,
    );
  }
  const draft = new Draft();
  draft.laneTexts = Int32Array.from(messages, (_, i) => i);
  for (let group = 0; group < groups; group++) {
    draft.first.push(2 * group);
    draft.second.push(2 * group + 1);
    draft.lane(group, false, 0, messages.length);
  }
  draft.turns = Int32Array.from({ length: groups }, (_, i) => i);
  return new Cast(sessions, seed, new Texts(messages.map(({ text }) => text)), draft, groups, devices);
}

/** Two users of the file, and what they wrote to each other. */
interface Pair {
  a: number;
  b: number;
  fromA: number[];
  fromB: number[];
}

/**
 * Neighbourhoods (who is connected by messages at all) are dealt to the drivers in turn, the whole file again with new users
 * when it is through, until all sessions that are to talk are somebody. The last one may have to be cut.
 */
function pairsCast({ driver, drivers, sessions, seed }: CastInput, talkers: number, messages: readonly ChatMessage[]): Cast {
  const draft = new Draft();
  const neighbourhoods = neighbourhoodsOf(messages);
  let room = Math.min(sessions, Math.max(2, Math.floor(sessions * talkers)));
  let users = 0;
  const pairTexts: number[] = [];
  const turns: number[] = [];
  /** Where the texts of a pair stand in pairTexts: once, however often the pair is cast. */
  const starts = new Map<number[], number>();
  const addLane = (conversation: number, fromSecond: boolean, texts: number[]): void => {
    if (texts.length === 0) return;
    let start = starts.get(texts);
    if (start === undefined) {
      starts.set(texts, (start = pairTexts.length));
      for (const text of texts) pairTexts.push(text);
    }
    const lane = draft.lane(conversation, fromSecond, start, texts.length);
    for (let i = 0; i < texts.length && turns.length < TURNS_MAX; i++) turns.push(lane);
  };
  for (let turn = driver; room >= 2 && neighbourhoods.length > 0; turn += drivers) {
    const cast = new Map<number, number>();
    for (const { a, b, fromA, fromB } of neighbourhoods[turn % neighbourhoods.length]!) {
      const needed = (cast.has(a) ? 0 : 1) + (cast.has(b) ? 0 : 1);
      // Nobody here sends what these two wrote.
      if (needed > room) continue;
      room -= needed;
      for (const user of [a, b]) if (!cast.has(user)) cast.set(user, users++);
      draft.first.push(cast.get(a)!);
      draft.second.push(cast.get(b)!);
      addLane(draft.first.length - 1, false, fromA);
      addLane(draft.first.length - 1, true, fromB);
    }
  }
  draft.laneTexts = Int32Array.from(pairTexts);
  draft.turns = shuffled(Int32Array.from(turns), new Random(seed));
  return new Cast(sessions, seed, new Texts(messages.map(({ text }) => text)), draft);
}

/** The pairs of each neighbourhood, in the order in which they first wrote. Notes to oneself are left out. */
function neighbourhoodsOf(messages: readonly ChatMessage[]): Pair[][] {
  const numbers = new Map<string, number>();
  const parents: number[] = [];
  const numberOf = (user: string): number => {
    let number = numbers.get(user);
    if (number === undefined) {
      numbers.set(user, (number = parents.length));
      parents.push(number);
    }
    return number;
  };
  const root = (user: number): number => {
    let at = user;
    while (parents[at] !== at) at = parents[at] = parents[parents[at]!]!;
    return at;
  };
  const pairs = new Map<string, Pair>();
  for (const [i, { from, to }] of messages.entries()) {
    if (from === to) continue;
    const sender = numberOf(from);
    const receiver = numberOf(to);
    const a = Math.min(sender, receiver);
    const b = Math.max(sender, receiver);
    let pair = pairs.get(`${a} ${b}`);
    if (pair === undefined) pairs.set(`${a} ${b}`, (pair = { a, b, fromA: [], fromB: [] }));
    (sender === a ? pair.fromA : pair.fromB).push(i);
    parents[root(b)] = root(a);
  }
  const neighbourhoods = new Map<number, Pair[]>();
  for (const pair of pairs.values()) {
    const members = neighbourhoods.get(root(pair.a));
    if (members === undefined) neighbourhoods.set(root(pair.a), [pair]);
    else members.push(pair);
  }
  return [...neighbourhoods.values()];
}

/** In place; Durstenfeld's form of the Fisher-Yates shuffle. */
function shuffled(items: Int32Array, random: Random): Int32Array {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const item = items[i]!;
    items[i] = items[j]!;
    items[j] = item;
  }
  return items;
}

/** Which place in the cast each session has, and back. */
class Places {
  readonly sessionAt: Int32Array;
  readonly placeOf: Int32Array;

  constructor(sessions: number, random: Random) {
    this.sessionAt = shuffled(
      Int32Array.from({ length: sessions }, (_, place) => place),
      random,
    );
    this.placeOf = new Int32Array(sessions);
    for (let place = 0; place < sessions; place++) this.placeOf[this.sessionAt[place]!] = place;
  }
}

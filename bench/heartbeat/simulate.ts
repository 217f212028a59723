// Runs phones over days against one way to choose the interval of beats, and counts what it costs: beats, and minutes in which
// the phone believes itself connected while nothing could reach it. The phones' days are the same for every policy of a seed.
import { isNight, type Carrier, DAY, Dice, HABITS, HOUR, limitOf, MINUTE } from "./world.ts";
import { LearnedPolicy, type Policy } from "./policy.ts";

export interface Setting {
  carriers: readonly Carrier[];
  /** Of each carrier. */
  phones: number;
  days: number;
  seed: number;
  /** Share of the phones that claim, every hour, a death at the interval they were told. */
  liars: number;
  /** When all gateways start again; 0: never. */
  restartAt: number;
}

export interface CarrierOutcome {
  carrier: string;
  /** Of a day, of honest phones. */
  beatsPerDay: number;
  deadMinutesPerDay: number;
  /** The same over the last quarter of the run: what it costs once it knows. */
  beatsPerDaySettled: number;
  deadMinutesPerDaySettled: number;
  /** Until the typical interval was good, and stayed so; undefined: never. Hours. */
  goodAfterHours: number | undefined;
  /** Typical interval over time, seconds, one point each SAMPLE_MS. */
  curve: number[];
}

export const SAMPLE_MS = 10 * MINUTE;
/** Until an unanswered beat or request counts as death (SPEC.md §10). */
const SILENCE_MS = 10_000;
/** A good interval is below the limit, and at least half of it or this long: more saves little. */
const GOOD_MS = 25 * MINUTE;
/** Settled: this part of the run, at its end. */
const SETTLED = 0.25;
const NEVER = Number.POSITIVE_INFINITY;

class Phone {
  readonly index: number;
  readonly carrier: number;
  readonly liar: boolean;
  readonly traffic: Dice;
  readonly troubles: Dice;
  nextMessage = 0;
  burstLeft = 0;
  nextSleep = 0;
  nextRadio = 0;
  nextBreak = 0;
  /** Off, or without radio and knowing it; NEVER: on. */
  upAt = NEVER;
  gaveUp = false;
  radioBackAt = 0;
  connected = false;
  /** When it last sent something that arrived, and when anything last passed either way. */
  sentAt = 0;
  passedAt = 0;
  pushed = false;
  brokenAt = NEVER;
  beatAt = NEVER;
  foundDeadAt = NEVER;
  silence = 0;

  constructor(index: number, carrier: number, liar: boolean, seed: number) {
    this.index = index;
    this.carrier = carrier;
    this.liar = liar;
    this.traffic = new Dice(seed * 7919 + index * 2);
    this.troubles = new Dice(seed * 104729 + index * 2 + 1);
  }

  next(): number {
    if (!this.connected) return this.upAt;
    return Math.min(this.nextMessage, this.nextSleep, this.nextRadio, this.nextBreak, this.foundDeadAt === NEVER ? this.beatAt : this.foundDeadAt);
  }
}

export class Simulation {
  private readonly setting: Setting;
  private readonly policy: Policy;
  private readonly phones: Phone[];
  private readonly beats: Float64Array;
  private readonly deadMs: Float64Array;
  private readonly settledBeats: Float64Array;
  private readonly settledDeadMs: Float64Array;
  private readonly curves: number[][];
  private readonly settledAt: number;

  constructor(setting: Setting, policy: Policy) {
    const { carriers, phones, seed, liars, days } = setting;
    this.setting = setting;
    this.policy = policy;
    this.phones = [];
    const luck = new Dice(seed);
    for (let carrier = 0; carrier < carriers.length; carrier++) {
      for (let i = 0; i < phones; i++) {
        const phone = new Phone(this.phones.length, carrier, luck.next() < liars, seed);
        phone.upAt = luck.between(0, HOUR);
        const { troubles } = phone;
        phone.nextSleep = troubles.after(HABITS.sleepEveryMs);
        phone.nextRadio = troubles.after(HABITS.radioEveryMs);
        phone.nextBreak = troubles.after(HABITS.breakEveryMs);
        this.phones.push(phone);
      }
    }
    this.beats = new Float64Array(carriers.length);
    this.deadMs = new Float64Array(carriers.length);
    this.settledBeats = new Float64Array(carriers.length);
    this.settledDeadMs = new Float64Array(carriers.length);
    this.curves = carriers.map(() => []);
    this.settledAt = days * DAY * (1 - SETTLED);
  }

  run(): CarrierOutcome[] {
    const { days, carriers, restartAt, liars } = this.setting;
    const end = days * DAY;
    // A calendar of minutes: which phones have something to do; each is looked at in the order of its own events.
    const slots: number[][] = Array.from({ length: Math.ceil(end / CALENDAR_MS) + 1 }, () => []);
    const plan = (phone: Phone, now: number): void => {
      const at = phone.next();
      if (at < end) slots[Math.floor(Math.max(at, now) / CALENDAR_MS)]!.push(phone.index);
    };
    for (const phone of this.phones) plan(phone, 0);
    for (let slot = 0; slot < slots.length; slot++) {
      const from = slot * CALENDAR_MS;
      if (restartAt > 0 && from <= restartAt && restartAt < from + CALENDAR_MS) this.restart(restartAt);
      if (from % SAMPLE_MS === 0) for (let i = 0; i < carriers.length; i++) this.curves[i]!.push(this.policy.typicalMs(i) / 1000);
      if (liars > 0 && from % HOUR === 0) this.lie(from);
      for (const index of slots[slot]!) {
        const phone = this.phones[index]!;
        while (phone.next() < Math.min(end, from + CALENDAR_MS)) this.step(phone, phone.next());
        plan(phone, from + CALENDAR_MS);
      }
      slots[slot] = [];
    }
    return carriers.map((carrier, i) => this.outcome(carrier, i));
  }

  private outcome(carrier: Carrier, i: number): CarrierOutcome {
    const honest = this.phones.filter((phone) => phone.carrier === i && !phone.liar).length;
    const phoneDays = honest * this.setting.days;
    return {
      carrier: carrier.name,
      beatsPerDay: this.beats[i]! / phoneDays,
      deadMinutesPerDay: this.deadMs[i]! / MINUTE / phoneDays,
      beatsPerDaySettled: this.settledBeats[i]! / (phoneDays * SETTLED),
      deadMinutesPerDaySettled: this.settledDeadMs[i]! / MINUTE / (phoneDays * SETTLED),
      goodAfterHours: goodAfterHours(this.curves[i]!, carrier),
      curve: this.curves[i]!,
    };
  }

  private step(phone: Phone, now: number): void {
    if (!phone.connected) return this.connect(phone, 0, now);
    if (now === phone.foundDeadAt) return this.foundDead(phone, now);
    if (now === phone.nextSleep) {
      phone.nextSleep = now + phone.troubles.after(HABITS.sleepEveryMs);
      const forMs = phone.troubles.between(HABITS.sleepMsMin, HABITS.sleepMsMax);
      phone.gaveUp = forMs > 1.5 * this.policy.intervalMs(phone.index, now) + SILENCE_MS;
      return this.down(phone, now, forMs);
    }
    if (now === phone.nextRadio) {
      phone.nextRadio = now + phone.troubles.after(HABITS.radioEveryMs);
      const forMs = phone.troubles.between(HABITS.radioMsMin, HABITS.radioMsMax);
      if (phone.troubles.next() >= HABITS.radioUnnoticed) return this.down(phone, now, forMs);
      phone.radioBackAt = now + forMs;
      return;
    }
    if (now === phone.nextBreak) {
      phone.nextBreak = now + phone.troubles.after(HABITS.breakEveryMs);
      phone.brokenAt = Math.min(phone.brokenAt, now);
      return;
    }
    if (now === phone.nextMessage) return this.message(phone, now);
    this.count(phone, now, true, 0);
    this.send(phone, true, now);
  }

  private message(phone: Phone, now: number): void {
    const { traffic } = phone;
    const out = !isNight(now) && traffic.next() < 0.4;
    if (phone.burstLeft > 0) {
      phone.burstLeft--;
      phone.nextMessage = now + traffic.after(HABITS.messageMs);
    } else if (isNight(now)) phone.nextMessage = now + traffic.after(HABITS.nightMs);
    else {
      phone.burstLeft = Math.floor(traffic.next() * 2 * HABITS.burstMessages);
      phone.nextMessage = now + traffic.after(HABITS.burstMs);
    }
    if (out) return this.send(phone, false, now);
    if (this.dead(phone, now) || now < phone.radioBackAt) return;
    phone.passedAt = now;
    phone.pushed = true;
  }

  private send(phone: Phone, beat: boolean, now: number): void {
    if (phone.foundDeadAt !== NEVER) return;
    if (this.dead(phone, now) || now < phone.radioBackAt) {
      phone.foundDeadAt = now + SILENCE_MS;
      phone.silence = now - phone.passedAt;
      return;
    }
    this.policy.survived(phone.index, now - phone.sentAt, !phone.pushed, beat, now);
    this.passed(phone, now);
  }

  private passed(phone: Phone, now: number): void {
    phone.sentAt = now;
    phone.passedAt = now;
    phone.pushed = false;
    phone.beatAt = now + this.policy.intervalMs(phone.index, now);
  }

  private foundDead(phone: Phone, now: number): void {
    const { silence } = phone;
    this.endDead(phone, now);
    if (now < phone.radioBackAt) return this.down(phone, now, phone.radioBackAt - now);
    this.connect(phone, silence, now);
  }

  private down(phone: Phone, now: number, forMs: number): void {
    this.endDead(phone, now);
    phone.connected = false;
    phone.upAt = now + forMs;
  }

  /** Minutes in which it was dead without knowing. */
  private endDead(phone: Phone, now: number): void {
    if (this.dead(phone, now)) this.count(phone, now, false, now - this.diedAt(phone, now));
    phone.foundDeadAt = NEVER;
  }

  private connect(phone: Phone, lostAfterMs: number, now: number): void {
    if (phone.gaveUp) this.policy.gaveUp(phone.index, now);
    phone.gaveUp = false;
    phone.connected = true;
    phone.upAt = NEVER;
    phone.brokenAt = NEVER;
    for (const key of ["nextMessage", "nextSleep", "nextRadio", "nextBreak"] as const) if (phone[key] <= now) phone[key] = now + phone.troubles.after(MINUTE);
    this.policy.connected(phone.index, phone.carrier, lostAfterMs, now);
    this.passed(phone, now);
  }

  private dead(phone: Phone, now: number): boolean {
    return this.diedAt(phone, now) < now;
  }

  private diedAt(phone: Phone, now: number): number {
    return Math.min(phone.brokenAt, phone.passedAt + limitOf(this.setting.carriers[phone.carrier]!, phone.index, now));
  }

  private count(phone: Phone, now: number, beat: boolean, deadMs: number): void {
    if (phone.liar) return;
    if (beat) this.beats[phone.carrier]!++;
    this.deadMs[phone.carrier]! += deadMs;
    if (now < this.settledAt) return;
    if (beat) this.settledBeats[phone.carrier]!++;
    this.settledDeadMs[phone.carrier]! += deadMs;
  }

  private restart(now: number): void {
    this.policy.restarted(now);
    for (const phone of this.phones) {
      if (!phone.connected) continue;
      this.endDead(phone, now);
      this.connect(phone, 0, now);
    }
  }

  private lie(now: number): void {
    if (!(this.policy instanceof LearnedPolicy)) return;
    for (const phone of this.phones) if (phone.liar && phone.connected) this.policy.claim(phone.index, now);
  }
}
const CALENDAR_MS = MINUTE;

/** From when on the curve is good for ever, up to a change of the carrier's limit; after one: from when on since then. */
export function goodAfterHours(curve: readonly number[], carrier: Carrier): number | undefined {
  const from = carrier.change === undefined ? 0 : Math.ceil(carrier.change.at / SAMPLE_MS);
  // Of homes with different routers, half must be below.
  const limits = [...(carrier.change?.limitsMs ?? carrier.limitsMs)].sort((a, b) => a - b);
  const limitMs = limits[(limits.length - 1) >> 1]!;
  let good: number | undefined;
  let bad = 0;
  for (let i = from; i < curve.length; i++) {
    const ms = curve[i]! * 1000;
    if (ms < limitMs && ms >= Math.min(limitMs / 2, GOOD_MS)) {
      good ??= i;
      bad = 0;
    } else if (++bad > HOUR / SAMPLE_MS) good = undefined;
  }
  return good === undefined ? undefined : ((good - from) * SAMPLE_MS) / HOUR;
}

import fc from "fast-check";
import t from "tap";
import { type Action, Backoff, type Input, type PartPlan, Phase, STARTING_MAX, Supervisor } from "./supervisor.ts";

const PLANS: PartPlan[] = [
  { name: "gateway", tier: 2, readyMs: 1000, stopMs: 500 },
  { name: "nats", tier: 0, readyMs: 1000, stopMs: 500 },
  { name: "logic", tier: 1, readyMs: 1000, stopMs: 500 },
  { name: "gateway-2", tier: 2, readyMs: 1000, stopMs: 500 },
];
const words = (actions: Action[]) => actions.map((action) => Object.values(action).join(" "));
const step = (supervisor: Supervisor, now: number, type: Input["type"], part?: string) => words(supervisor.step({ type, part } as Input, now));

function started(): Supervisor {
  const supervisor = new Supervisor(PLANS);
  step(supervisor, 0, "start");
  for (const part of ["nats", "logic", "gateway", "gateway-2"]) step(supervisor, 0, "ready", part);
  return supervisor;
}

t.test("starts tier by tier, stops in reverse", (t) => {
  const supervisor = new Supervisor(PLANS);
  t.strictSame(step(supervisor, 0, "start"), ["spawn nats"]);
  t.strictSame(step(supervisor, 10, "ready", "nats"), ["spawn logic"]);
  t.strictSame(step(supervisor, 20, "ready", "logic"), ["spawn gateway", "spawn gateway-2"]);
  t.strictSame(step(supervisor, 30, "ready", "gateway"), [], "waits for the other one");
  t.strictSame(step(supervisor, 30, "ready", "gateway-2"), ["up"]);
  t.equal(supervisor.wakeAt, Infinity);

  t.strictSame(step(supervisor, 100, "stop"), ["signal gateway SIGTERM", "signal gateway-2 SIGTERM"]);
  t.strictSame(step(supervisor, 100, "stop"), [], "asked twice");
  t.strictSame(step(supervisor, 110, "exited", "gateway-2"), []);
  t.equal(supervisor.wakeAt, 600);
  t.strictSame(step(supervisor, 600, "tick"), ["signal gateway SIGKILL"], "takes too long");
  t.strictSame(step(supervisor, 610, "exited", "gateway"), ["signal logic SIGTERM"]);
  t.strictSame(step(supervisor, 620, "exited", "logic"), ["signal nats SIGTERM"]);
  t.strictSame(step(supervisor, 630, "exited", "nats"), ["down"]);
  t.strictSame(step(supervisor, 640, "stop"), []);
  t.end();
});

t.test("of many parts a few start at a time", (t) => {
  const many = Array.from({ length: STARTING_MAX + 2 }, (_, i): PartPlan => ({ name: `gateway-${i + 1}`, tier: 2, readyMs: 1000, stopMs: 500 }));
  const supervisor = new Supervisor(many);
  t.equal(step(supervisor, 0, "start").length, STARTING_MAX);
  t.strictSame(step(supervisor, 900, "ready", "gateway-3"), [`spawn gateway-${STARTING_MAX + 1}`]);
  t.strictSame(step(supervisor, 910, "ready", "gateway-1"), [`spawn gateway-${STARTING_MAX + 2}`]);
  for (const { name } of many) step(supervisor, 950, "ready", name);
  t.equal(supervisor.phase("gateway-1"), Phase.Ready);
  t.strictSame(step(supervisor, 1950, "tick"), [], "one that began later has as much time as the first");
  t.end();
});

t.test("restarts with a pause that doubles, and begins anew after a long life", (t) => {
  const supervisor = started();
  let now = 1000;
  const pauses = [];
  for (let i = 0; i < 7; i++) {
    const [action] = supervisor.step({ type: "exited", part: "logic" }, now);
    if (action?.type !== "restarting") throw new Error("not restarted");
    pauses.push(action.inMs);
    t.strictSame(step(supervisor, now + action.inMs - 1, "tick"), [], "not before its time");
    now += action.inMs;
    t.equal(supervisor.wakeAt, now);
    t.strictSame(step(supervisor, now, "tick"), ["spawn logic"]);
    t.equal(supervisor.wakeAt, Infinity, "no hurry when it comes back");
    now += 100;
    step(supervisor, now, "ready", "logic");
  }
  t.strictSame(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000]);
  now += Backoff.resetAfterMs;
  t.strictSame(step(supervisor, now, "exited", "logic"), ["restarting logic 250"]);
  t.end();
});

t.test("a start that cannot succeed stops what runs", (t) => {
  const exits = new Supervisor(PLANS);
  step(exits, 0, "start");
  step(exits, 0, "ready", "nats");
  t.strictSame(step(exits, 5, "exited", "logic"), ["failed logic exited", "signal nats SIGTERM"]);
  t.strictSame(step(exits, 6, "exited", "nats"), ["down"]);

  const hangs = new Supervisor(PLANS);
  step(hangs, 0, "start");
  t.strictSame(step(hangs, 999, "tick"), []);
  t.strictSame(step(hangs, 1000, "tick"), ["failed nats timeout", "signal nats SIGTERM"]);
  t.strictSame(step(hangs, 1500, "tick"), ["signal nats SIGKILL"]);
  t.strictSame(step(hangs, 1501, "exited", "nats"), ["down"]);
  t.end();
});

t.test("stops in the middle of things", (t) => {
  const waiting = started();
  step(waiting, 0, "exited", "logic");
  step(waiting, 0, "stop");
  step(waiting, 1, "exited", "gateway");
  t.strictSame(step(waiting, 1, "exited", "gateway-2"), ["signal nats SIGTERM"], "logic had no process");
  t.strictSame(step(waiting, 400, "tick"), [], "and gets none");

  const starting = new Supervisor(PLANS);
  step(starting, 0, "start");
  t.strictSame(step(starting, 1, "stop"), ["signal nats SIGTERM"]);
  t.strictSame(step(starting, 2, "ready", "nats"), [], "too late");
  t.strictSame(step(starting, 3, "exited", "nats"), ["down"]);

  t.strictSame(step(started(), 5, "kill"), ["signal nats SIGKILL", "signal logic SIGKILL", "signal gateway SIGKILL", "signal gateway-2 SIGKILL"]);
  t.strictSame(step(new Supervisor(PLANS), 0, "stop"), ["down"], "before it began");
  t.throws(() => started().phase("nobody"), { message: "nats, logic, gateway, gateway-2" });
  t.end();
});

t.test("whatever happens: one process a part, and a stop always ends", (t) => {
  const names = PLANS.map((plan) => plan.name);
  const events = fc.array(fc.record({ type: fc.constantFrom("ready", "exited", "tick"), part: fc.constantFrom(...names), after: fc.nat(20_000) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(events, (events) => {
      const supervisor = new Supervisor(PLANS);
      const running = new Set<string>();
      let now = 0;
      let down = 0;
      const carryOut = (actions: Action[]) => {
        for (const action of actions) {
          if (action.type === "spawn") {
            if (running.has(action.part)) throw new Error(`two processes of ${action.part}`);
            running.add(action.part);
          } else if (action.type === "signal" && !running.has(action.part)) throw new Error(`signal to nobody: ${action.part}`);
          else if (action.type === "down") down++;
        }
      };
      carryOut(supervisor.step({ type: "start" }, now));
      for (const event of events) {
        now += event.after;
        if (event.type === "exited" && !running.delete(event.part)) continue;
        if (event.type === "ready" && !running.has(event.part)) continue;
        carryOut(supervisor.step({ type: event.type, part: event.part } as Input, now));
      }
      carryOut(supervisor.step({ type: "stop" }, now));
      for (let turns = 0; running.size > 0; turns++) {
        if (turns > 20) throw new Error("the stop does not end");
        // Nobody heeds SIGTERM: everybody has to be killed.
        now = supervisor.wakeAt;
        const actions = supervisor.step({ type: "tick" }, now);
        carryOut(actions);
        for (const action of actions) {
          if (action.type !== "signal" || action.signal !== "SIGKILL") continue;
          running.delete(action.part);
          carryOut(supervisor.step({ type: "exited", part: action.part }, now));
        }
      }
      if (down !== 1) throw new Error(`down ${down} times`);
      for (const name of names) if (supervisor.phase(name) !== Phase.Stopped) throw new Error(`${name} is not stopped`);
    }),
    { numRuns: 500 },
  );
  t.end();
});

const ROLLING: PartPlan[] = [
  { name: "nats", tier: 0, readyMs: 1000, stopMs: 500 },
  { name: "gateway", tier: 2, readyMs: 1000, stopMs: 500, rolls: "beside" },
  { name: "gateway-2", tier: 2, readyMs: 1000, stopMs: 500, rolls: "beside" },
];
const IN_PLACE: PartPlan[] = ROLLING.map((plan) => (plan.rolls === undefined ? plan : { ...plan, rolls: "inPlace" }));

function up(plans: PartPlan[]): Supervisor {
  const supervisor = new Supervisor(plans);
  step(supervisor, 0, "start");
  for (const { name } of plans) step(supervisor, 0, "ready", name);
  return supervisor;
}

t.test("a roll beside: the next one only when the one before is ready and the old one gone", (t) => {
  const supervisor = up(ROLLING);
  t.strictSame(step(supervisor, 10, "roll"), ["spawnHeir gateway"]);
  t.ok(supervisor.rolling);
  t.strictSame(step(supervisor, 10, "roll"), [], "one at a time");
  t.equal(supervisor.wakeAt, 1010);
  t.strictSame(step(supervisor, 20, "extraReady", "gateway"), ["handOver gateway", "signal gateway SIGTERM retired"]);
  t.equal(supervisor.wakeAt, 520);
  t.strictSame(step(supervisor, 520, "tick"), ["signal gateway SIGKILL retired"], "drains for too long");
  t.strictSame(step(supervisor, 530, "extraExited", "gateway"), ["spawnHeir gateway-2"]);
  t.strictSame(step(supervisor, 540, "extraReady", "gateway-2"), ["handOver gateway-2", "signal gateway-2 SIGTERM retired"]);
  t.strictSame(step(supervisor, 550, "extraExited", "gateway-2"), ["rolled"]);
  t.notOk(supervisor.rolling);
  t.equal(supervisor.wakeAt, Infinity);
  t.strictSame(step(supervisor, 560, "exited", "gateway"), ["restarting gateway 250"], "the new one is supervised like the old one");
  t.strictSame(step(supervisor, 570, "roll"), ["spawnHeir gateway"], "and a new version may end its pause");
  t.strictSame(step(supervisor, 580, "extraReady", "gateway"), ["handOver gateway", "spawnHeir gateway-2"], "there is no old one");
  t.strictSame(step(supervisor, 900, "tick"), [], "the pause is over for good");
  t.end();
});

t.test("a roll ends where a new process does not start; the old one serves on", (t) => {
  const exits = up(ROLLING);
  step(exits, 0, "roll");
  t.strictSame(step(exits, 5, "extraExited", "gateway"), ["rollFailed gateway exited"]);
  t.equal(exits.phase("gateway"), Phase.Ready);
  t.notOk(exits.rolling);

  const hangs = up(ROLLING);
  step(hangs, 0, "roll");
  t.strictSame(step(hangs, 1000, "tick"), ["signal gateway SIGKILL heir", "rollFailed gateway timeout"]);
  t.ok(hangs.rolling, "its process is not gone yet");
  t.strictSame(step(hangs, 1001, "extraReady", "gateway"), [], "too late");
  t.strictSame(step(hangs, 1002, "extraExited", "gateway"), []);
  t.notOk(hangs.rolling);

  const inPlace = up(IN_PLACE);
  t.strictSame(step(inPlace, 0, "roll"), ["signal gateway SIGTERM"]);
  t.strictSame(step(inPlace, 10, "exited", "gateway"), ["spawn gateway"], "at once");
  t.strictSame(step(inPlace, 20, "ready", "gateway"), ["signal gateway-2 SIGTERM"]);
  t.strictSame(step(inPlace, 520, "tick"), ["signal gateway-2 SIGKILL"]);
  t.strictSame(step(inPlace, 521, "exited", "gateway-2"), ["spawn gateway-2"]);
  t.strictSame(step(inPlace, 530, "exited", "gateway-2"), ["rollFailed gateway-2 exited", "restarting gateway-2 250"]);
  t.strictSame(step(inPlace, 780, "tick"), ["spawn gateway-2"], "it is tried again as ever");
  t.notOk(inPlace.rolling);
  t.equal(inPlace.wakeAt, Infinity, "for as long as it needs");

  const neverReady = up(IN_PLACE);
  step(neverReady, 0, "roll");
  step(neverReady, 10, "exited", "gateway");
  t.equal(neverReady.wakeAt, 1010);
  t.strictSame(step(neverReady, 1010, "tick"), ["rollFailed gateway timeout", "signal gateway SIGKILL"]);
  t.notOk(neverReady.rolling);
  t.strictSame(step(neverReady, 1011, "roll"), [], "what hangs is not gone yet");
  t.strictSame(step(neverReady, 1012, "exited", "gateway"), ["spawn gateway"], "by now it may be a program that works");
  t.strictSame(step(neverReady, 2012, "tick"), ["rollFailed gateway timeout", "signal gateway SIGKILL"]);
  t.strictSame(step(neverReady, 2013, "exited", "gateway"), ["restarting gateway 250"]);
  t.strictSame(step(neverReady, 2263, "tick"), ["spawn gateway"]);
  t.strictSame(step(neverReady, 2300, "ready", "gateway"), []);
  t.strictSame(step(neverReady, 2400, "roll"), ["signal gateway SIGTERM"], "the next roll may come");
  t.end();
});

t.test("a stop in the middle of a roll", (t) => {
  const heir = up(ROLLING);
  step(heir, 0, "roll");
  t.strictSame(step(heir, 5, "stop"), ["rollFailed gateway stopped", "signal gateway SIGTERM heir", "signal gateway SIGTERM", "signal gateway-2 SIGTERM"]);
  step(heir, 6, "exited", "gateway");
  t.strictSame(step(heir, 7, "exited", "gateway-2"), [], "the heir is still there");
  t.strictSame(step(heir, 505, "tick"), ["signal gateway SIGKILL heir"]);
  t.strictSame(step(heir, 506, "extraExited", "gateway"), ["signal nats SIGTERM"]);
  t.strictSame(step(heir, 507, "exited", "nats"), ["down"]);

  const retired = up(ROLLING);
  step(retired, 0, "roll");
  step(retired, 1, "extraReady", "gateway");
  t.strictSame(step(retired, 2, "stop"), ["rollFailed gateway stopped", "signal gateway SIGTERM", "signal gateway-2 SIGTERM"], "it has its SIGTERM");
  t.strictSame(step(retired, 3, "kill").sort(), [
    "signal gateway SIGKILL",
    "signal gateway SIGKILL retired",
    "signal gateway-2 SIGKILL",
    "signal nats SIGKILL",
  ]);
  t.end();
});

t.test("whatever happens in a roll: two processes of a part at most, and a stop always ends", (t) => {
  const event = fc.record({
    type: fc.constantFrom("roll", "ready", "exited", "extraReady", "extraExited", "tick"),
    part: fc.constantFrom("gateway", "gateway-2"),
    after: fc.nat(1500),
  });
  fc.assert(
    fc.property(fc.constantFrom(ROLLING, IN_PLACE), fc.array(event, { maxLength: 60 }), (plans, events) => {
      const supervisor = up(plans);
      const own = new Set(plans.map(({ name }) => name));
      let extra: { part: string; of: "heir" | "retired" } | undefined;
      let now = 0;
      let down = 0;
      const carryOut = (actions: Action[]) => {
        for (const action of actions) {
          if (action.type === "spawn") {
            if (own.has(action.part)) throw new Error(`two own processes of ${action.part}`);
            own.add(action.part);
          } else if (action.type === "spawnHeir") {
            if (extra !== undefined) throw new Error("two extra processes");
            extra = { part: action.part, of: "heir" };
          } else if (action.type === "handOver") {
            if (extra?.of !== "heir" || extra.part !== action.part) throw new Error("no heir");
            extra = own.has(action.part) ? { part: action.part, of: "retired" } : undefined;
            own.add(action.part);
          } else if (action.type === "signal") {
            if (action.of === undefined ? !own.has(action.part) : extra?.of !== action.of) throw new Error(`signal to nobody: ${words([action])}`);
          } else if (action.type === "down") down++;
        }
      };
      for (const { type, part, after } of events) {
        now += after;
        if (type === "exited" && !own.delete(part)) continue;
        if (type === "ready" && !own.has(part)) continue;
        if (type === "extraReady" && (extra?.part !== part || extra.of !== "heir")) continue;
        if (type === "extraExited") {
          if (extra?.part !== part) continue;
          extra = undefined;
        }
        carryOut(supervisor.step({ type, part } as Input, now));
      }
      carryOut(supervisor.step({ type: "stop" }, now));
      for (let turns = 0; own.size > 0 || extra !== undefined; turns++) {
        if (turns > 20) throw new Error("the stop does not end");
        now = supervisor.wakeAt;
        const actions = supervisor.step({ type: "tick" }, now);
        carryOut(actions);
        for (const action of actions) {
          if (action.type !== "signal" || action.signal !== "SIGKILL") continue;
          if (action.of === undefined) {
            own.delete(action.part);
            carryOut(supervisor.step({ type: "exited", part: action.part }, now));
          } else {
            extra = undefined;
            carryOut(supervisor.step({ type: "extraExited", part: action.part }, now));
          }
        }
      }
      if (down !== 1) throw new Error(`down ${down} times`);
    }),
    { numRuns: 500 },
  );
  t.end();
});

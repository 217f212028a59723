import fc from "fast-check";
import t from "tap";
import { type Action, Backoff, type Input, type PartPlan, Phase, Supervisor } from "./supervisor.ts";

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

// A driver as a process of its own, made by child_process.fork: takes orders over the IPC channel and answers them there. It
// ends when the channel does, whatever it is doing.
import type { FromDriver, ToDriver } from "./control.ts";
import { Driver } from "./driver.ts";
import { ownBytes } from "./own-memory.ts";

let driver: Driver | undefined;

function tell(message: FromDriver): void {
  if (process.connected) process.send!(message);
}

async function carryOut(order: ToDriver): Promise<void> {
  if (order.order === "plan") {
    if (driver !== undefined) throw new Error("a driver has one plan");
    const bareBytes = ownBytes();
    driver = await Driver.open(order.plan, (tick) => tell({ kind: "tick", tick }));
    return tell({ kind: "done", id: order.id, answer: { wire: driver.wireKind, bareBytes, messages: driver.messages } });
  }
  if (driver === undefined) throw new Error("a driver's first order is its plan");
  const answer = await driver.handle(order);
  tell(answer === undefined ? { kind: "done", id: order.id } : { kind: "done", id: order.id, answer });
  if (order.order === "end") process.disconnect();
}

if (process.send === undefined) throw new Error("a load driver is started by its coordinator: hawser loadtest");
process.on("message", (message) => {
  const order = message as ToDriver;
  carryOut(order).catch((error: Error) => tell({ kind: "failed", id: order.id, message: error.message }));
});
process.on("disconnect", () => process.exit());
// The coordinator decides when a run is over, and says so through the channel.
process.on("SIGINT", () => undefined);

// Ways to ask a part whether it is ready. They answer false instead of throwing: a part that is starting refuses connections.
import { get } from "node:http";
import { connect } from "node:net";

const ANSWER_MS = 2_000;

/** Whether GET `url` answers 200. */
export function httpReady(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ANSWER_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

/** Whether a NATS server greets on this port; it says INFO before it is asked anything. */
export function natsReady(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const answer = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(ANSWER_MS, () => answer(false));
    socket.once("data", (bytes) => answer(bytes.subarray(0, 5).toString() === "INFO "));
    socket.on("error", () => answer(false));
    socket.on("close", () => resolve(false));
  });
}

// Ports to listen on: that they are free, and finding free ones.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Whether this port can be listened on now. */
export function portIsFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(false) : reject(error)));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * `count` different free ports. They are drawn from below the range that systems give to outgoing connections (from 32768 on
 * Linux), where a client of a load test could take one between this answer and its use.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 1_000) throw new Error(`found no ${count} free ports between 12000 and 32000`);
    const port = randomInt(12_000, 32_000);
    if (await portIsFree(port)) found.add(port);
  }
  return [...found];
}

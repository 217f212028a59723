// The port for operators: is it alive, does it take clients, how is it doing.
import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";

export interface AdminTarget {
  readonly registry: Registry;
  /** Empty: clients may be sent here; else why not. */
  notReady(): string;
}

/** Listens; rejects when it cannot. */
export async function listenAdmin(host: string, port: number, target: AdminTarget): Promise<Server> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    const answer = (status: number, type: string, body: string) => response.writeHead(status, { "content-type": type }).end(body);
    if (request.method !== "GET" && request.method !== "HEAD") return void answer(405, "text/plain", "GET only\n");
    switch (request.url?.split("?", 1)[0]) {
      case "/healthz":
        return void answer(200, "text/plain", "ok\n");
      case "/readyz": {
        const reason = target.notReady();
        return void answer(reason === "" ? 200 : 503, "text/plain", reason === "" ? "ready\n" : `not ready: ${reason}\n`);
      }
      case "/metrics":
        return void target.registry.metrics().then(
          (text) => answer(200, target.registry.contentType, text),
          (error: unknown) => answer(500, "text/plain", `${error}\n`),
        );
      default:
        return void answer(404, "text/plain", "here are /healthz, /readyz and /metrics\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return server;
}

/** Stops listening and ends the connections. */
export async function closeAdmin(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

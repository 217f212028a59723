// The small HTTP port that every process has for operators: health, readiness, metrics.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface AdminOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Whether new work should be sent here. */
  ready: () => boolean;
  /** A prom-client Registry. */
  metrics: { contentType: string; metrics(): Promise<string> };
}

export interface Admin {
  port: number;
  close(): Promise<void>;
}

/** Serves GET /healthz, /readyz and /metrics. Rejects when the port is taken. */
export async function serveAdmin(options: AdminOptions): Promise<Admin> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => send(response, 500, "text/plain", `${String(error)}\n`));
  });
  // Operators' tools only: nobody needs long or many requests.
  server.requestTimeout = 5000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: AdminOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") return send(response, 405, "text/plain", "only GET\n");
  switch (request.url?.split("?")[0]) {
    case "/healthz":
      return send(response, 200, "text/plain", "ok\n");
    case "/readyz":
      return options.ready() ? send(response, 200, "text/plain", "ready\n") : send(response, 503, "text/plain", "not ready\n");
    case "/metrics":
      return send(response, 200, options.metrics.contentType, await options.metrics.metrics());
    default:
      return send(response, 404, "text/plain", "try /healthz, /readyz or /metrics\n");
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type }).end(body);
}

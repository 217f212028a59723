// A real browser without a window, and the site that it visits: serves one page with a script, hands the page orders, and
// gathers what it reports.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Order, Report } from "./page.ts";
import { until } from "./wait.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/** For a browser that shows nothing and calls nobody. */
export const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const POLL_MS = 2000;

/** The path of Chromium or Chrome, or undefined. */
export function findBrowser(): string | undefined {
  const folders = ["/usr/bin", ...(process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "")];
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));
}

export class Site {
  readonly reports: Report[] = [];
  private readonly orders: Order[] = [];
  private readonly server: Server;
  private readonly script: string;

  private constructor(script: string) {
    this.script = script;
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  static async start(script: string): Promise<Site> {
    const site = new Site(script);
    await new Promise<void>((resolve) => site.server.listen(0, "127.0.0.1", resolve));
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  order(order: Order): void {
    this.orders.push(order);
  }

  /** Takes the next report of this kind out, waiting for it. */
  async take<Is extends Report["is"]>(is: Is, withinMs?: number): Promise<Extract<Report, { is: Is }>> {
    const at = (): number => this.reports.findIndex((one) => one.is === is);
    await until(
      () => {
        const failed = this.reports.find((one) => one.is === "failed");
        if (failed?.is === "failed" && is !== "failed") throw new Error(`the page failed: ${failed.what}`);
        return at() >= 0;
      },
      `the page to report "${is}"`,
      withinMs,
    );
    return this.reports.splice(at(), 1)[0] as Extract<Report, { is: Is }>;
  }

  /** Orders, and waits for the result. */
  async does(order: Order): Promise<unknown> {
    this.order(order);
    return (await this.take("done")).result;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").split("?")[0];
    if (path === "/") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end('<!doctype html><title>Hawser</title><script src="/page.js"></script>');
    } else if (path === "/page.js") response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(this.script);
    else if (path === "/next") {
      let gone = false;
      response.on("close", () => (gone = true));
      const deadline = performance.now() + POLL_MS;
      while (this.orders.length === 0 && !gone && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
      // A page that was reloaded is not there any more: the order is for its successor.
      const order = gone ? undefined : this.orders.shift();
      if (order === undefined) response.writeHead(204).end();
      else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(order));
    } else if (path === "/report") {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      this.reports.push(JSON.parse(body) as Report);
      response.writeHead(204).end();
    } else response.writeHead(404).end();
  }
}

export class Browser {
  private readonly child: ChildProcess;
  private readonly folder: string;
  private said = "";

  /** Opens `url` in a browser with a new, empty profile. */
  constructor(program: string, url: string) {
    this.folder = mkdtempSync(join(tmpdir(), "hawser-browser-"));
    // A process group of its own, so that all of its processes can be ended.
    this.child = spawn(program, [...FLAGS, `--user-data-dir=${this.folder}`, url], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout!, this.child.stderr!]) stream.on("data", (bytes) => (this.said = (this.said + bytes).slice(-4000)));
  }

  /** The last that it printed. */
  get output(): string {
    return this.said;
  }

  async close(): Promise<void> {
    const { pid } = this.child;
    if (pid !== undefined) {
      if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGTERM");
      await until(() => this.child.exitCode !== null || this.child.signalCode !== null, "the browser to end", 5000).catch(() => undefined);
      try {
        process.kill(-pid, "SIGKILL");
      } catch {
        // None of them is left.
      }
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

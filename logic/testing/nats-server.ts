// A NATS server of the test's own: a free port of this machine and a folder that goes with it.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export class NatsServer {
  readonly port: number;
  private readonly dir: string;
  private process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
    this.dir = mkdtempSync(join(tmpdir(), "hawser-nats-"));
    this.process = undefined;
  }

  /** A running server. Rejects when there is no nats-server on this machine. */
  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await freePort());
    await server.run();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts it again after kill(); with what it had stored, or as if its disk were new. */
  async run(disk: "kept" | "new" = "kept"): Promise<void> {
    if (disk === "new") rmSync(this.dir, { recursive: true, force: true });
    this.process = spawn(program(), ["-a", "127.0.0.1", "-p", String(this.port), "-js", "-sd", this.dir], { stdio: "ignore" });
    for (;;) {
      if (this.process.exitCode !== null) throw new Error(`nats-server ended with ${this.process.exitCode}`);
      if (await listens(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const running = this.process;
    this.process = undefined;
    if (running === undefined) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function program(): string {
  const named = process.env["HAWSER_NATS_SERVER"];
  if (named) return named;
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"]) {
    try {
      accessSync(join(folder, "nats-server"), constants.X_OK);
      return join(folder, "nats-server");
    } catch {
      // Not in this folder.
    }
  }
  throw new Error("nats-server is needed: install it, or name it in HAWSER_NATS_SERVER");
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

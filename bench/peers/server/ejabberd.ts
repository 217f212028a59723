// ejabberd in the foreground, with its own configuration, spool and logs, and without Erlang distribution: no node name, no
// epmd, no port but the two it is told to open. Accounts are made through its HTTP API, and kept over the rounds of a run
// in one folder for each kind of server; the archive is emptied at each start.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, portIsFree } from "../../../cli/ports.ts";
import type { XmppOptions } from "../protocol/xmpp.ts";
import { Child, findProgram, outputOf } from "./child.ts";
import { ensureProgram } from "./install.ts";
import { NotInstalled, type PeerServer, type ServerNeeds } from "./server.ts";

const PROGRAM = { program: "ejabberdctl", package: "ejabberd", services: ["ejabberd.service", "epmd.service", "epmd.socket"], about: "60 s" };

export const EJABBERD_LOGIN: Omit<XmppOptions, "acks"> = { domain: "localhost", rooms: "conference.localhost", password: "secret" };

/** Requests to register users that are under way at once. */
const REGISTERING_MAX = 16;
const START_MS = 60_000;

export function ejabberdVersion(install: boolean): string {
  ensureProgram(PROGRAM, install);
  return /Version: (\S+)/.exec(outputOf("dpkg", ["-s", "ejabberd"]))?.[1] ?? "unknown";
}

export interface EjabberdOptions {
  archive: boolean;
  /** Where this kind of server keeps its accounts over the rounds. */
  home: string;
}

/** A folder for EjabberdOptions.home; the caller removes it. */
export function ejabberdHome(): string {
  return mkdtempSync(join(tmpdir(), "hawser-peer-ejabberd-"));
}

const registered = new Map<string, Set<string>>();

export async function startEjabberd({ archive, home }: EjabberdOptions, needs: ServerNeeds): Promise<PeerServer> {
  const erl = findProgram("erl");
  if (erl === undefined) throw new NotInstalled("erl, which runs ejabberd, is not installed: sudo apt-get install ejabberd");
  const [port = 0, httpPort = 0] = await freePorts(2);
  mkdirSync(join(home, "spool"), { recursive: true });
  mkdirSync(join(home, "log"), { recursive: true });
  writeFileSync(join(home, "ejabberd.yml"), configuration(archive, port, httpPort, needs));
  const child = new Child({
    command: erl,
    args: [
      ...["+K", "true", "+P", String(Math.max(250_000, needs.connections * 8)), "+Q", String(Math.max(65_536, needs.connections * 4))],
      ...["-noinput", "-mnesia", "dir", JSON.stringify(join(home, "spool")), "-s", "ejabberd"],
    ],
    cwd: home,
    env: {
      ...process.env,
      HOME: home,
      // Where Debian has its Erlang applications.
      ERL_LIBS: erlangLibraries(),
      EJABBERD_CONFIG_PATH: join(home, "ejabberd.yml"),
      EJABBERD_LOG_PATH: join(home, "log/ejabberd.log"),
      ERL_CRASH_DUMP: join(home, "log/erl_crash.dump"),
    },
    endsWithInput: false,
  });
  const known = registered.get(home) ?? new Set<string>();
  registered.set(home, known);
  await child.started(async () => {
    await child.until(async () => !(await portIsFree(port)) && !(await portIsFree(httpPort)), START_MS);
    if (archive && known.size > 0) await call("delete_old_mam_messages", { type: "all", days: 0 }, httpPort);
    await register(
      needs.users.filter((user) => !known.has(user)),
      httpPort,
    );
  });
  for (const user of needs.users) known.add(user);
  return { host: "127.0.0.1", port, pids: () => ({ beam: child.pid }), stop: () => child.stop() };
}

export function removeEjabberdHome(home: string): void {
  registered.delete(home);
  rmSync(home, { recursive: true, force: true });
}

function configuration(archive: boolean, port: number, httpPort: number, needs: ServerNeeds): string {
  return `hosts: [${EJABBERD_LOGIN.domain}]
loglevel: error
auth_method: mnesia
auth_password_format: plain
listen:
  -
    port: ${port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    backlog: 4096
    starttls: false
    zlib: false
    max_stanza_size: 262144
    access: all
  -
    port: ${httpPort}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
api_permissions:
  bench:
    who:
      - ip: 127.0.0.1/8
    what:
      - register
      - delete_old_mam_messages
modules:
  mod_http_api: {}
  mod_ping: {}
  mod_muc:
    host: ${EJABBERD_LOGIN.rooms}
    access: all
    access_create: all
    max_users: ${needs.members + 100}
    history_size: 0
    default_room_options:
      max_users: ${needs.members + 100}
      mam: ${archive}
      presence_broadcast: []
  mod_stream_mgmt:
    resend_on_timeout: false
    resume_timeout: 0
${archive ? "  mod_mam:\n    db_type: mnesia\n    default: always\n    clear_archive_on_room_destroy: true\n    compress_xml: false\n" : ""}`;
}

function erlangLibraries(): string {
  const file = outputOf("dpkg", ["-L", "ejabberd"])
    .split("\n")
    .find((path) => path.endsWith("/ebin/ejabberd.app"));
  // .../x86_64-linux-gnu/ejabberd-23.01-1/ebin/ejabberd.app
  return file === undefined ? (process.env["ERL_LIBS"] ?? "") : join(file, "../../..");
}

async function register(users: readonly string[], port: number): Promise<void> {
  const { domain, password } = EJABBERD_LOGIN;
  const agent = new Agent({ keepAlive: true, maxSockets: REGISTERING_MAX });
  let next = 0;
  const worker = async () => {
    while (next < users.length) await call("register", { user: users[next++]!, host: domain, password }, port, agent);
  };
  try {
    await Promise.all(Array.from({ length: REGISTERING_MAX }, worker));
  } finally {
    agent.destroy();
  }
}

/** A command of its HTTP API. */
function call(command: string, args: object, port: number, agent?: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = request(
      { host: "127.0.0.1", port, agent, method: "POST", path: `/api/${command}`, headers: { "content-type": "application/json" } },
      (answer) => {
        answer.resume();
        answer.once("end", () => (answer.statusCode === 200 ? resolve() : reject(new Error(`ejabberd refused ${command}: ${answer.statusCode}`))));
      },
    );
    asking.once("error", reject);
    asking.end(JSON.stringify(args));
  });
}

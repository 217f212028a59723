// The peers: what each is, what it promises (so that nobody compares a durable message with one that is only passed on),
// how its server is started and which protocol speaks to it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { floor } from "./protocol/floor.ts";
import { hawser, hawserOverWebSocket } from "./protocol/hawser.ts";
import { mqtt } from "./protocol/mqtt.ts";
import { nats } from "./protocol/nats.ts";
import type { PeerProtocol } from "./protocol/protocol.ts";
import { raw } from "./protocol/raw.ts";
import { socketio } from "./protocol/socketio.ts";
import { xmpp } from "./protocol/xmpp.ts";
import { EJABBERD_LOGIN, ejabberdHome, ejabberdVersion, removeEjabberdHome, startEjabberd } from "./server/ejabberd.ts";
import { floorProgram, startFloor } from "./server/floor.ts";
import { startHawser } from "./server/hawser.ts";
import { ensureNpmPackage, PEERS_FOLDER } from "./server/install.ts";
import { mosquittoVersion, startMosquitto } from "./server/mosquitto.ts";
import { natsVersion, startNatsServer } from "./server/nats-server.ts";
import { startNodeServer } from "./server/node-server.ts";
import type { PeerServer, ServerNeeds } from "./server/server.ts";

/** "busy" is "direct" with so many pairs that servers are at their limit. */
export type Measure = "idle" | "direct" | "busy" | "fanout";

export interface Guarantees {
  /** What the sender knows when its message was acknowledged; "none": nothing is acknowledged. */
  ack: string;
  order: string;
  duplicates: string;
}

export interface Peer {
  name: string;
  label: string;
  guarantees: Guarantees;
  protocol: PeerProtocol;
  /** Connections become pairs by their order. */
  inOrder?: boolean;
  /** Makes sure that it can run, installing what is missing when `install`. Returns its version. Throws NotInstalled. */
  prepare(install: boolean): string;
  start(needs: ServerNeeds, measure: Measure): Promise<PeerServer>;
  /** Removes what was kept over the rounds. */
  cleanUp?(): void;
}

export const FLOOR = "floor";
export const HAWSER = "hawser";

const NO_GUARANTEES: Guarantees = { ack: "none", order: "per connection", duplicates: "none are made" };
const HAWSER_GUARANTEES: Guarantees = { ack: "on disk (fsync)", order: "one per conversation", duplicates: "removed" };

/** All of them, in the order of the table. Ejabberd's folders are made when it is first started. */
export function catalogue(): Peer[] {
  return [
    {
      name: FLOOR,
      label: "floor: C, epoll, TCP",
      guarantees: NO_GUARANTEES,
      protocol: floor,
      inOrder: true,
      prepare: () => {
        floorProgram("relay");
        return "";
      },
      start: (_, measure) => startFloor(measure === "fanout" ? "fanout" : "relay"),
    },
    {
      name: HAWSER,
      label: "Hawser, TCP",
      guarantees: HAWSER_GUARANTEES,
      protocol: hawser,
      prepare: hawserVersion,
      start: (needs) => startHawser("tcp", needs),
    },
    {
      name: "hawser-ws",
      label: "Hawser, WebSocket",
      guarantees: HAWSER_GUARANTEES,
      protocol: hawserOverWebSocket,
      prepare: hawserVersion,
      start: (needs) => startHawser("ws", needs),
    },
    {
      name: "uws",
      label: "uWebSockets.js",
      guarantees: NO_GUARANTEES,
      protocol: raw,
      prepare: (install) => ensureNpmPackage("uWebSockets.js", install),
      start: () => startNodeServer("uws"),
    },
    {
      name: "mosquitto",
      label: "mosquitto, QoS 0",
      guarantees: { ...NO_GUARANTEES, order: "per sender" },
      protocol: mqtt(0),
      prepare: mosquittoVersion,
      start: (needs) => startMosquitto(false, needs),
    },
    {
      name: "mosquitto-qos1",
      label: "mosquitto, QoS 1, persistent",
      guarantees: { ack: "in memory, saved now and then", order: "per sender", duplicates: "possible" },
      protocol: mqtt(1),
      prepare: mosquittoVersion,
      start: (needs) => startMosquitto(true, needs),
    },
    {
      name: "ws",
      label: "ws",
      guarantees: NO_GUARANTEES,
      protocol: raw,
      prepare: (install) => ensureNpmPackage("ws", install),
      start: () => startNodeServer("ws"),
    },
    {
      name: "nats",
      label: "nats-server, core",
      guarantees: { ...NO_GUARANTEES, order: "per sender" },
      protocol: nats,
      prepare: natsVersion,
      start: () => startNatsServer(),
    },
    {
      name: "socketio",
      label: "socket.io",
      guarantees: { ack: "the server saw it", order: "per connection", duplicates: "none are made" },
      protocol: socketio,
      prepare: (install) => ensureNpmPackage("socket.io", install),
      start: () => startNodeServer("socketio"),
    },
    ejabberd(false),
    ejabberd(true),
  ];
}

function ejabberd(archive: boolean): Peer {
  let home: string | undefined;
  return {
    name: archive ? "ejabberd-archive" : "ejabberd",
    label: archive ? "ejabberd, archive, acks" : "ejabberd",
    guarantees: archive ? { ack: "given to the archive, no fsync", order: "per sender", duplicates: "possible" } : { ...NO_GUARANTEES, order: "per sender" },
    protocol: xmpp({ ...EJABBERD_LOGIN, acks: archive }),
    prepare: ejabberdVersion,
    start: (needs) => {
      home ??= ejabberdHome();
      return startEjabberd({ archive, home }, needs);
    },
    cleanUp: () => {
      if (home !== undefined) removeEjabberdHome(home);
      home = undefined;
    },
  };
}

function hawserVersion(): string {
  return (JSON.parse(readFileSync(join(PEERS_FOLDER, "../../package.json"), "utf8")) as { version: string }).version;
}

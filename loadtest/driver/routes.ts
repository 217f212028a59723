// Where each session connects: which gateway, over which transport, from which source address, and through which shaped
// network if there is one. Sessions are spread evenly over all of them.
import { isIPv4 } from "node:net";
import { LINK_PROFILES } from "../shaper/link-profiles.ts";
import { type ShapedNetwork, startShaper } from "../shaper/shaper.ts";
import type { DriverPlan } from "./control.ts";
import type { WireTarget } from "./wire.ts";

export const SUBPROTOCOL = "hawser.v1";

export interface Address {
  host: string;
  port: number;
}

export class Routes {
  private readonly transport: DriverPlan["transport"];
  /** By gateway, then by source address or network. */
  private readonly tcp: WireTarget[][];
  private readonly ws: WireTarget[][];
  private readonly networks: ShapedNetwork[];
  /** Combinations of transport, gateway and source; of the gateways of those who do not talk, where those who do have their own. */
  private readonly ways: number;
  private readonly talk: DriverPlan["talk"];
  /** Whether a session has anybody to talk to; only asked where that decides where it connects. */
  talks: (session: number) => boolean;

  private constructor({ transport, talk }: DriverPlan, tcp: WireTarget[][], ws: WireTarget[][], networks: ShapedNetwork[]) {
    this.transport = transport;
    this.tcp = tcp;
    this.ws = ws;
    this.networks = networks;
    this.talk = talk;
    this.talks = () => false;
    const each = [tcp, ws].filter((gateways) => gateways.length > 0);
    this.ways = each.reduce((most, gateways) => Math.max(most, (gateways.length - (talk?.gateways ?? 0)) * gateways[0]!.length), 1) * each.length;
  }

  /** Starts the shaped networks, if there are to be any. Throws Error on a plan that names no target, or a profile that does not exist. */
  static async open(plan: DriverPlan): Promise<Routes> {
    const { transport, network } = plan;
    const profile = network === undefined ? undefined : LINK_PROFILES[network.profile];
    if (network !== undefined && profile === undefined) {
      throw new Error(`no network profile ${network.profile}: there are ${Object.keys(LINK_PROFILES).join(", ")}`);
    }
    const networks: ShapedNetwork[] = [];
    const ways = async (urls: (string | undefined)[], scheme: string): Promise<WireTarget[][]> => {
      const gateways: WireTarget[][] = [];
      for (const [i, url] of urls.entries()) {
        if (url === undefined) continue;
        const target = parseTarget(url, scheme);
        const sources = plan.sources.length > 0 ? plan.sources : [undefined];
        const targets: WireTarget[] = [];
        for (const [k, from] of sources.entries()) {
          const at = { host: target.host, port: target.port };
          if (profile === undefined) targets.push(from === undefined ? target : { ...target, from });
          else {
            const shaped = await startShaper(at, profile, plan.seed + networks.length * 7919 + i * 31 + k, from);
            networks.push(shaped);
            targets.push({ ...target, host: shaped.host, port: shaped.port });
          }
        }
        gateways.push(targets);
      }
      return gateways;
    };
    const tcp =
      transport === "ws"
        ? []
        : await ways(
            plan.gateways.map((gateway) => gateway.tcp),
            "tcp:",
          );
    const ws =
      transport === "tcp"
        ? []
        : await ways(
            plan.gateways.map((gateway) => gateway.ws),
            "ws:",
          );
    if ((transport !== "ws" && tcp.length === 0) || (transport !== "tcp" && ws.length === 0)) throw new Error(`no gateway has an address for ${transport}`);
    return new Routes(plan, tcp, ws, networks);
  }

  /** Whether the session speaks over WebSocket. */
  isWs(session: number): boolean {
    return this.transport === "ws" || (this.transport === "both" && this.way(session) % 2 === 1);
  }

  /** `move`: how often it has changed its source address. `elsewhere`: where a GoAway sent it. */
  target(session: number, move: number, elsewhere?: Address): WireTarget {
    const gateways = this.isWs(session) ? this.ws : this.tcp;
    const way = this.transport === "both" ? this.way(session) >> 1 : this.way(session);
    const { talk } = this;
    let first = 0;
    let count = gateways.length;
    if (talk !== undefined) {
      const home = this.isHome(session, talk.idlePart);
      first = home ? 0 : talk.gateways;
      count = home ? talk.gateways : count - talk.gateways;
    }
    const sources = gateways[first + (way % count)]!;
    const target = sources[(Math.floor(way / count) + move) % sources.length]!;
    return elsewhere === undefined || this.networks.length > 0 ? target : { ...target, ...elsewhere };
  }

  /** Whether the session is at the gateways of those who talk: it does, or is one of those, evenly chosen, who fill them up. */
  private isHome(session: number, idlePart: number): boolean {
    return this.talks(session) || Math.floor((session + 1) * idlePart) > Math.floor(session * idlePart);
  }

  /**
   * Each run of `ways` sessions goes all ways, once each, beginning with another each time: evenly, and without a pattern that
   * partners could fall into.
   */
  private way(session: number): number {
    const { ways } = this;
    const run = Math.floor(session / ways);
    return (session - run * ways + (Math.imul(run + 1, 0x9e3779b1) >>> 12)) % ways;
  }

  async close(): Promise<void> {
    await Promise.all(this.networks.map((network) => network.close()));
  }
}

/** The IPv4 address and port in host:port, as a GoAway names it; undefined: it is something else. */
export function parseAddress(text: string): Address | undefined {
  const [host = "", digits = "", ...rest] = text.split(":");
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  return rest.length === 0 && isIPv4(host) && port > 0 && port <= 0xffff ? { host, port } : undefined;
}

function parseTarget(url: string, scheme: string): WireTarget {
  const { protocol, hostname, port, pathname } = new URL(url);
  if (protocol !== scheme) throw new Error(`${url}: load drivers speak plain TCP and WebSocket only (${scheme}//…)`);
  const target: WireTarget = { host: hostname, port: Number(port) };
  return scheme === "ws:" ? { ...target, path: pathname, protocol: SUBPROTOCOL } : target;
}

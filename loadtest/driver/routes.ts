// Where each session connects: which gateway, over which transport, from which source address, and through which shaped
// network if there is one. Sessions are spread evenly over all of them.
import { LINK_PROFILES } from "../shaper/link-profiles.ts";
import { type ShapedNetwork, startShaper } from "../shaper/shaper.ts";
import type { DriverPlan } from "./control.ts";
import type { WireTarget } from "./wire.ts";

export const SUBPROTOCOL = "hawser.v1";

export class Routes {
  private readonly transport: DriverPlan["transport"];
  /** By gateway, then by source address or network. */
  private readonly tcp: WireTarget[][];
  private readonly ws: WireTarget[][];
  private readonly networks: ShapedNetwork[];

  private constructor(transport: DriverPlan["transport"], tcp: WireTarget[][], ws: WireTarget[][], networks: ShapedNetwork[]) {
    this.transport = transport;
    this.tcp = tcp;
    this.ws = ws;
    this.networks = networks;
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
    return new Routes(transport, tcp, ws, networks);
  }

  /** Whether the session speaks over WebSocket. */
  isWs(session: number): boolean {
    return this.transport === "ws" || (this.transport === "both" && session % 2 === 1);
  }

  /** `move`: how often it has changed its source address. `elsewhere`: host:port that a GoAway named. */
  target(session: number, move: number, elsewhere?: string): WireTarget {
    const gateways = this.isWs(session) ? this.ws : this.tcp;
    const turn = this.transport === "both" ? session >> 1 : session;
    const sources = gateways[turn % gateways.length]!;
    const target = sources[(Math.floor(turn / gateways.length) + move) % sources.length]!;
    const other = elsewhere === undefined || this.networks.length > 0 ? undefined : /^(.+):(\d+)$/.exec(elsewhere);
    return other ? { ...target, host: other[1]!, port: Number(other[2]) } : target;
  }

  async close(): Promise<void> {
    await Promise.all(this.networks.map((network) => network.close()));
  }
}

function parseTarget(url: string, scheme: string): WireTarget {
  const { protocol, hostname, port, pathname } = new URL(url);
  if (protocol !== scheme) throw new Error(`${url}: load drivers speak plain TCP and WebSocket only (${scheme}//…)`);
  const target: WireTarget = { host: hostname, port: Number(port) };
  return scheme === "ws:" ? { ...target, path: pathname, protocol: SUBPROTOCOL } : target;
}

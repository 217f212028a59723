// A NAT of a test's own: a network namespace with clients in it, one that translates between them and this machine, and Linux's
// connection tracking with a short memory. Everything is inside namespaces that are made here and removed again: a tracking
// rule outside them would bound the whole machine's connections.
//
//   clients' namespace ── veth ── NAT's namespace (masquerade, stateful filter) ── veth ── here
import { type ChildProcess, spawn, spawnSync } from "node:child_process";

export interface Nat {
  /** Where a server has to listen, and what clients connect to. */
  readonly address: string;
  /** Runs Node with these arguments behind the NAT; it inherits the output. */
  run(args: readonly string[]): ChildProcess;
  /** Connections that the NAT remembers. */
  tracked(): number;
  remove(): void;
}

/** Undefined and the reason when this machine does not allow it. */
export function makeNat(forgetsAfterSeconds: number): Nat | { missing: string } {
  if (process.platform !== "linux") return { missing: "network namespaces, which only Linux has" };
  if (process.getuid?.() !== 0) return { missing: "root, to make network namespaces" };
  for (const [program, where] of [
    ["ip", "iproute2"],
    ["nft", "nftables"],
  ] as const) {
    if (spawnSync(program, ["-V"], { stdio: "ignore" }).error !== undefined) return { missing: `the program ${program}: apt-get install ${where}` };
  }
  // Names of interfaces have at most 15 characters.
  const id = `${process.pid.toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`;
  const nat = `hwn${id}`;
  const clients = `hwc${id}`;
  const outside = `hwo${id}`;
  const net = `10.${200 + Math.floor(Math.random() * 50)}.${Math.floor(Math.random() * 250)}`;
  const remove = () => {
    for (const namespace of [clients, nat]) spawnSync("ip", ["netns", "del", namespace], { stdio: "ignore" });
    spawnSync("ip", ["link", "del", outside], { stdio: "ignore" });
  };
  const steps: [program: string, args: string, input?: string][] = [
    ["ip", `netns add ${nat}`],
    ["ip", `netns add ${clients}`],
    ["ip", `link add dev ${outside} type veth peer name wan netns ${nat}`],
    ["ip", `-n ${nat} link add dev lan type veth peer name eth netns ${clients}`],
    ["ip", `addr add ${net}.1/30 dev ${outside}`],
    ["ip", `link set dev ${outside} up`],
    ["ip", `-n ${nat} addr add ${net}.2/30 dev wan`],
    ["ip", `-n ${nat} link set dev wan up`],
    ["ip", `-n ${nat} addr add ${net}.129/25 dev lan`],
    ["ip", `-n ${nat} link set dev lan up`],
    ["ip", `-n ${nat} route add default via ${net}.1`],
    ["ip", `-n ${clients} link set dev lo up`],
    ["ip", `-n ${clients} addr add ${net}.130/25 dev eth`],
    ["ip", `-n ${clients} link set dev eth up`],
    ["ip", `-n ${clients} route add default via ${net}.129`],
    ["ip", `netns exec ${nat} nft -f -`, RULES],
    ["ip", `netns exec ${nat} sh -s`, SETTINGS(forgetsAfterSeconds)],
  ];
  for (const [program, args, input] of steps) {
    const { status, stderr } = spawnSync(program, args.split(" "), { input: input ?? "", encoding: "utf8" });
    if (status === 0) continue;
    remove();
    return { missing: `${program} ${args}: ${stderr.trim().split("\n")[0]}` };
  }
  return {
    address: `${net}.1`,
    run: (args) => spawn("ip", ["netns", "exec", clients, process.execPath, ...args], { stdio: ["ignore", "pipe", "inherit"] }),
    tracked: () => Number(spawnSync("ip", ["netns", "exec", nat, "cat", "/proc/sys/net/netfilter/nf_conntrack_count"], { encoding: "utf8" }).stdout),
    remove,
  };
}

/** What is not known and does not begin a connection is dropped without a word, as carriers do. */
const RULES = `table ip hawser {
  chain leave { type nat hook postrouting priority 100; oifname "wan" masquerade; }
  chain through {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" ct state new tcp flags & (syn | ack) == syn accept
  }
}
`;

const SETTINGS = (seconds: number) => `set -e
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose
echo ${seconds} > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established
`;

// What a CPU profile of V8 says, as numbers: which functions the time went to. A profile is a tree of calls and a list of
// samples, each of which names the node of the tree that ran; a sample stands for the time up to the next one. Samples are
// taken by the clock on the wall, so what another process took of the core counts with the function that it interrupted:
// shares can be trusted, and times are a share of the CPU time that the kernel counted for the main thread (its schedstat, cpu.ts).

/** As V8 gives it, over the inspector or by --cpu-prof. Lines and columns count from 0, times are in µs. */
export interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[];
  startTime: number;
  endTime: number;
  samples: number[];
  timeDeltas: number[];
}

export interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
  columnNumber: number;
}

export interface FunctionCost {
  name: string;
  /** file:line, or empty for what is not JavaScript. */
  place: string;
  /** Of the time that was not idle. */
  selfPercent: number;
  /** With all that it called. */
  totalPercent: number;
}

export interface ProfileCosts {
  /** Of the time of the profile. */
  idlePercent: number;
  samples: number;
  /** Costliest by itself first. */
  functions: FunctionCost[];
  /** The same by file, package or kind. */
  places: { place: string; selfPercent: number }[];
}

/** Where a call is, for people: a file and a line from 1. */
export type Locate = (frame: CallFrame) => { file: string; line: number };

const IDLE = "(idle)";
/** What V8 calls the things that are no function of JavaScript. */
const KINDS: Record<string, string> = {
  "(program)": "(native code and the kernel)",
  "(garbage collector)": "(garbage collector)",
};

/** Throws RangeError for something that is no profile. */
export function profileCosts(profile: CpuProfile, locate: Locate): ProfileCosts {
  const { nodes, samples, timeDeltas } = profile;
  if (!Array.isArray(nodes) || !Array.isArray(samples) || samples.length !== timeDeltas?.length) throw new RangeError("not a CPU profile of V8");
  const self = new Map<number, number>();
  let idle = 0;
  let busy = 0;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (let i = 0; i < samples.length; i++) {
    // The last one lasts until the end, which is not told apart from its own delta.
    const lasts = Math.max(0, timeDeltas[i + 1] ?? 0);
    const id = samples[i]!;
    if (byId.get(id)?.callFrame.functionName === IDLE) idle += lasts;
    else {
      busy += lasts;
      self.set(id, (self.get(id) ?? 0) + lasts);
    }
  }
  const functions = new Map<string, FunctionCost & { file: string }>();
  const keys = new Map<number, string>();
  for (const { id, callFrame } of nodes) {
    const { name, place, file } = describe(callFrame, locate);
    const key = `${name} ${place}`;
    keys.set(id, key);
    if (!functions.has(key)) functions.set(key, { name, place, file, selfPercent: 0, totalPercent: 0 });
  }
  const files = new Map<string, number>();
  const part = (us: number): number => (busy === 0 ? 0 : (100 * us) / busy);
  for (const [id, us] of self) {
    const cost = functions.get(keys.get(id)!)!;
    cost.selfPercent += part(us);
    files.set(cost.file, (files.get(cost.file) ?? 0) + part(us));
  }
  for (const [key, us] of totals(nodes, keys, self)) functions.get(key)!.totalPercent = part(us);
  return {
    idlePercent: idle + busy === 0 ? 0 : (100 * idle) / (idle + busy),
    samples: samples.length,
    functions: [...functions.values()]
      .filter(({ selfPercent, totalPercent, name }) => (selfPercent > 0 || totalPercent > 0) && name !== "(root)")
      .sort((a, b) => b.selfPercent - a.selfPercent)
      .map(({ name, place, selfPercent, totalPercent }) => ({ name, place, selfPercent, totalPercent })),
    places: [...files].map(([place, selfPercent]) => ({ place, selfPercent })).sort((a, b) => b.selfPercent - a.selfPercent),
  };
}

/** Time of each function with all that it called; one that calls itself counts once. */
function totals(nodes: CpuProfile["nodes"], keys: Map<number, string>, self: Map<number, number>): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<string, number>();
  const onPath = new Map<string, number>();
  // Depth first without recursion, since stacks may be deep: a node is met twice, before and after its children.
  const subtree = new Map<number, number>();
  const children = new Set(nodes.flatMap((node) => node.children ?? []));
  const todo = nodes.filter(({ id }) => !children.has(id)).map(({ id }) => ({ id, left: false }));
  while (todo.length > 0) {
    const { id, left } = todo.pop()!;
    const key = keys.get(id)!;
    const below = byId.get(id)?.children ?? [];
    if (!left) {
      onPath.set(key, (onPath.get(key) ?? 0) + 1);
      todo.push({ id, left: true });
      for (const child of below) todo.push({ id: child, left: false });
      continue;
    }
    const us = below.reduce((sum, child) => sum + (subtree.get(child) ?? 0), self.get(id) ?? 0);
    subtree.set(id, us);
    const depth = onPath.get(key)! - 1;
    onPath.set(key, depth);
    if (depth === 0) found.set(key, (found.get(key) ?? 0) + us);
  }
  return found;
}

function describe(frame: CallFrame, locate: Locate): { name: string; place: string; file: string } {
  const kind = KINDS[frame.functionName];
  if (kind !== undefined) return { name: kind, place: "", file: kind };
  if (frame.url === "") {
    // Functions of V8 and Node in C++, such as writev.
    const name = frame.functionName || "(native function without a name)";
    return { name, place: "", file: name === "(root)" ? name : "(native functions)" };
  }
  const { file, line } = locate(frame);
  return { name: frame.functionName || "(anonymous)", place: `${file}:${line}`, file };
}

// `hawser profile flame|doctor|bubble`: one part of a stack under clinic while a scenario runs; clinic makes a page of it.
//
// clinic asks for an interrupt when it shall stop, a supervisor sends SIGTERM, and clinic is no child of ours that a channel
// could end: wrapper.ts stands between the two.
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startStack } from "../../cli/stack.ts";
import { ensureToolPackages } from "../tool-packages.ts";
import { type TrafficDone, trafficFor, type TrafficPlan } from "./traffic.ts";

export const CLINIC_TOOLS = { flame: "flame", doctor: "doctor", bubble: "bubbleprof" } as const;
export type ClinicMode = keyof typeof CLINIC_TOOLS;

export interface ClinicOptions extends TrafficPlan {
  mode: ClinicMode;
  part: string;
  dataDir: string;
  /** Where the page goes; made when it is not there. */
  out: string;
  progress: (line: string) => void;
}

/** clinic reads all that it collected and bundles a page, which may take minutes. */
const ANALYSIS_MS = 600_000;

/** Resolves with the page's path. Throws an error that holds what clinic said when there is none. */
export async function profileByClinic(options: ClinicOptions): Promise<{ traffic: TrafficDone; page: string }> {
  const { mode, part, progress } = options;
  const folder = ensureToolPackages("profile", "clinic, with some 700 packages (150 MB)");
  const tool = CLINIC_TOOLS[mode];
  const out = resolve(options.out);
  mkdirSync(out, { recursive: true });
  const traffic = trafficFor(options);
  const wrapper = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./wrapper.ts" : "./wrapper.js", import.meta.url));
  const loaders = wrapper.endsWith(".ts") ? process.execArgv : [];
  const page = join(out, `${part}.clinic-${tool}.html`);
  const said: string[] = [];
  const stack = await startStack({
    dataDir: options.dataDir,
    ports: "free",
    dev: true,
    logLevel: "error",
    tell: progress,
    gatewayArgs: traffic.gatewayArgs,
    logicArgs: traffic.logicArgs,
    line: (from, text) => {
      if (from === part && text !== "") said.push(text);
      progress(`${from}: ${text}`);
    },
    wrap: {
      part,
      command: [
        process.execPath,
        ...loaders,
        wrapper,
        out,
        join(folder, "node_modules/clinic/bin.js"),
        tool,
        ...["--open=false", "--dest", out, "--name", part, "--"],
      ],
      stopMs: ANALYSIS_MS,
    },
  });
  let done: TrafficDone;
  try {
    done = await traffic.run(stack, { begin: () => Promise.resolve(), end: () => Promise.resolve() });
  } finally {
    progress(`stopping ${part}; clinic then makes its page, which takes a while`);
    await stack.stop();
  }
  if (!existsSync(page)) throw new Error(`clinic ${tool} made no page${said.length > 0 ? `, and said last:\n  ${said.slice(-10).join("\n  ")}` : ""}`);
  return { traffic: done, page };
}

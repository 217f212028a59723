// `hawser fuzz --target native`: the fuzzer of the native TCP core (gateway/native/fuzz), a program of its own in C.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { compiledFuzzer } from "../gateway/native/build.ts";
import { Failure } from "./failure.ts";

interface NativeFuzzFlags {
  inputs: number;
  seed?: number;
  seconds?: number;
  json?: string;
  replay?: string;
}

interface Done {
  seed: number;
  targets: { name: string; inputs: number; cases: number; seconds: number }[];
}

const UNITS: Readonly<Record<string, string>> = { stream: "chunks", proxy: "heads", kernel: "steps" };

export async function fuzzNative({ inputs, seed = Date.now() % 2 ** 32, seconds, json, replay }: NativeFuzzFlags): Promise<void> {
  if (replay !== undefined)
    throw new Failure("the native fuzzer repeats a case by the line that it printed: give these options to its program, which that line names");
  const program = compiledFuzzer();
  const child = spawn(program, ["--inputs", String(inputs), "--seed", String(seed)], { stdio: ["ignore", "pipe", "inherit"] });
  const stop = (): boolean => child.kill();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1000);
  let text = "";
  child.stdout.setEncoding("latin1").on("data", (part: string) => {
    text += part;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  clearTimeout(timer);
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
  if (child.killed) {
    console.error(`stopped, and no rule was broken until then; the same inputs again: npm run fuzz -- --target native --seed ${seed} --inputs ${inputs}`);
    if (seconds === undefined) process.exitCode = 130;
    return;
  }
  if (status !== 0) {
    console.error(`BROKEN   native, with seed ${seed}; the program is ${program}`);
    process.exitCode = 1;
    return;
  }
  const { targets } = JSON.parse(text) as Done;
  for (const { name, inputs, cases, seconds } of targets) {
    const rate = Math.round(inputs / Math.max(seconds, 0.001)).toLocaleString("en");
    console.error(`${name.padEnd(8)} ${inputs.toLocaleString("en")} ${UNITS[name]} in ${cases.toLocaleString("en")} cases, ${rate}/s`);
  }
  console.error(`no rule broken, seed ${seed}`);
  const figures = JSON.stringify({ seed, targets }, undefined, 2);
  if (json === "-") console.log(figures);
  else if (json !== undefined) writeFileSync(json, `${figures}\n`);
}

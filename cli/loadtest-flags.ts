// The options of `hawser loadtest` as they were given, for it and for the sweep below it.
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Dials, Transport } from "../loadtest/scenario/scenario.ts";
import { Failure } from "./failure.ts";

export interface Flags {
  scenario: string;
  connections?: number[];
  seconds?: number;
  rate?: number;
  transport?: Transport;
  connectRate?: number;
  percent?: number;
  devices?: number;
  profile?: string;
  heartbeat?: number;
  url?: string[];
  data?: string;
  drivers?: number;
  gateways?: number;
  messages?: string;
  seed: number;
  talkers?: number;
  talkGateways?: number;
  lean?: boolean;
  memoryFloor: number;
  secret?: string;
  json?: string;
  report?: string;
  strict?: boolean;
  verbose?: boolean;
}

const DIALS = [
  "seconds",
  "rate",
  "transport",
  "connectRate",
  "percent",
  "devices",
  "profile",
  "heartbeat",
  "talkers",
  "talkGateways",
] as const satisfies (keyof Dials & keyof Flags)[];

/** What was asked for of the scenario; with the first of several sizes. */
export function pick(flags: Flags): Partial<Dials> {
  const asked: Partial<Dials> = Object.fromEntries(DIALS.flatMap((dial) => (flags[dial] === undefined ? [] : [[dial, flags[dial]]])));
  return flags.connections === undefined ? asked : { ...asked, connections: flags.connections[0]! };
}

/** Throws Failure when a file can't be written there: better now than after a long run. Leaves nothing behind. */
export function checkWritable(flag: string, path: string | undefined): void {
  if (path === undefined || path === "-") return;
  try {
    const is = statSync(path, { throwIfNoEntry: false });
    if (is?.isDirectory()) throw new Failure(`${flag} ${path} is a folder: give a file`);
    accessSync(is === undefined ? dirname(path) : path, constants.W_OK);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${flag} ${path} cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

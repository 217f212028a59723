// Finds the wire that this machine can have: the addon where it can be built, node:net elsewhere.
import { EpollWire } from "./epoll.ts";
import { loadEpollAddon } from "./native/build.ts";
import { NetWire } from "./net.ts";
import type { Wire, WireEvents } from "./wire.ts";

export type WireKind = "epoll" | "net";

export interface WireMaker {
  kind: WireKind;
  open: (slots: number, events: WireEvents) => Wire;
}

let noticed = false;

/**
 * Finds out which wire there is; the maker then opens as many as wanted, at once. "auto" falls back to node:net with one
 * notice on stderr; "epoll" throws when the addon cannot be had.
 */
export function wireMaker(kind: "auto" | WireKind = "auto"): WireMaker {
  if (kind !== "net") {
    try {
      const addon = loadEpollAddon();
      return { kind: "epoll", open: (slots, events) => new EpollWire(addon, slots, events) };
    } catch (error) {
      if (kind === "epoll") throw error;
      if (!noticed) process.stderr.write(`load driver: connections over node:net, which costs kilobytes for each: ${(error as Error).message}\n`);
      noticed = true;
    }
  }
  return { kind: "net", open: (slots, events) => new NetWire(slots, events) };
}

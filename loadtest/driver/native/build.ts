// The addon of epoll.ts, compiled at its first use (proto/native-build.ts).
import { createRequire } from "node:module";
import { compiledNative } from "../../../proto/native-build.ts";
import type { EpollAddon } from "../epoll.ts";

let loaded: EpollAddon | undefined;

/** Loads the addon, compiling it where that was not done before. Throws an error that says what is missing. */
export function loadEpollAddon(): EpollAddon {
  if (loaded) return loaded;
  if (process.platform !== "linux") throw new Error(`epoll is Linux's, and this is ${process.platform}`);
  const file = compiledNative({
    name: "epoll",
    folder: "loadtest/driver/native",
    sources: ["connections.c", "addon.c"],
    headers: ["epoll.h"],
    flags: ["-O2", "-std=gnu11"],
    addon: true,
  });
  return (loaded = createRequire(import.meta.url)(file) as EpollAddon);
}

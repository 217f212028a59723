// The addon of ../accept/native-tcp.ts, compiled at its first use (proto/native-build.ts). With HAWSER_NATIVE_SANITIZE=1 it is
// compiled to watch its own use of memory; Node must then be started with the sanitizer's library in LD_PRELOAD.
import { createRequire } from "node:module";
import { compiledNative } from "../../proto/native-build.ts";

/** What addon.c exports. */
export interface TcpAddon {
  /** Returns the core, or -errno. `told` is called when something is to be read from the memory. */
  listen(
    host: string,
    memory: ArrayBuffer,
    told: () => void,
    unfinishedBytesMax: number,
    port: number,
    sharePort: number,
    proxyProtocol: number,
    slotFirst: number,
    slotsMax: number,
    frameBytesMax: number,
    lingerMs: number,
    handshakeMs: number,
    trusted: Uint8Array | undefined,
  ): TcpCore | number;
  /** Where things are in the memory, and how much of each there may be. */
  readonly layout: TcpLayout;
}

export type TcpLayout = Readonly<
  Record<
    "told" | "stats" | "frames" | "others" | "opened" | "out" | "in" | "framesMax" | "othersMax" | "openedMax" | "outBytes" | "readBytes" | "connectionBytes",
    number
  >
>;

export interface TcpCore {
  readonly port: number;
  /** Sends the first `count` bytes of `out`. */
  send(slot: number, count: number): number;
  sendBytes(slot: number, bytes: Uint8Array): number;
  close(slot: number): void;
  pause(slot: number, paused: number): void;
  setFrameLimit(slot: number, bytes: number): void;
  watch(slot: number, idleMs: number): void;
  stopListening(): void;
  /** Has what was gathered outside of the loop's own calls told now. */
  tell(): void;
  endAll(): void;
  destroy(): void;
  bufferedBytes(slot: number): number;
  quietMs(slot: number): number;
  takeLongestGapMs(slot: number): number;
  roundTripMicros(slot: number): number;
  isOpen(slot: number): number;
}

const FLAGS = ["-std=gnu11", "-Wall", "-Wextra"];
const SOURCES = ["stream.c", "proxy.c", "connections.c", "addon.c"];
const HEADERS = ["stream.h", "proxy.h", "core.h"];
const SANITIZE_FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
let loaded: TcpAddon | undefined;

/** Loads the addon. Throws an error that says what is missing. */
export function loadTcpAddon(): TcpAddon {
  if (loaded) return loaded;
  if (process.platform !== "linux") throw new Error(`epoll is Linux's, and this is ${process.platform}`);
  const file = process.env["HAWSER_NATIVE_SANITIZE"] === "1" ? sanitizedAddon() : compiledAddon("tcp", ["-O2"]);
  return (loaded = createRequire(import.meta.url)(file) as TcpAddon);
}

/** Path of the addon compiled with sanitizers. */
export function sanitizedAddon(): string {
  return compiledAddon("tcp-sanitized", SANITIZE_FLAGS);
}

function compiledAddon(name: string, flags: readonly string[]): string {
  return compiledNative({ name, folder: "gateway/native", sources: SOURCES, headers: HEADERS, flags: [...FLAGS, ...flags], addon: true });
}

/** Small tables, so that the fuzzer meets their ends often. */
const FUZZ_SIZES = ["-DFRAMES_MAX=6", "-DOTHERS_MAX=3", "-DEVENTS_MAX=12", "-DACCEPTS_MAX=4"];

/** Path of the fuzzer (fuzz/main.c), compiled with sanitizers. Throws as loadTcpAddon does. */
export function compiledFuzzer(): string {
  return compiledNative({
    name: "tcp-fuzz",
    folder: "gateway/native",
    sources: ["fuzz/main.c", "fuzz/bytes.c", "fuzz/kernel.c", "stream.c", "proxy.c"],
    headers: [...HEADERS, "fuzz/fuzz.h", "connections.c"],
    flags: [...FLAGS, ...SANITIZE_FLAGS, ...FUZZ_SIZES],
    addon: false,
    nodeHeaders: true,
  });
}

// The globals of a browser that the client uses, and no others, for running its bundle outside one.
import { WebSocket as PackagedWebSocket } from "ws";

export function browserGlobals(): { globals: object; fire: (event: string) => void; storage: Map<string, string> } {
  const listeners = new Map<string, Set<() => void>>();
  const target = {
    addEventListener: (name: string, listener: () => void) => listeners.set(name, (listeners.get(name) ?? new Set()).add(listener)),
    removeEventListener: (name: string, listener: () => void) => listeners.get(name)?.delete(listener),
  };
  const storage = new Map<string, string>();
  const globals = {
    ...target,
    document: { ...target, visibilityState: "visible" },
    localStorage: {
      get length() {
        return storage.size;
      },
      key: (index: number) => [...storage.keys()][index] ?? null,
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => storage.set(key, value),
      removeItem: (key: string) => storage.delete(key),
    },
    // ArrayBuffers of this side are no ArrayBuffers of the context's: so is its message's data.
    ArrayBuffer,
    Uint8Array,
    DataView,
    WebSocket: PackagedWebSocket,
    URL,
    TextEncoder,
    TextDecoder,
    crypto,
    performance,
    setInterval,
    clearInterval,
    setTimeout,
    clearTimeout,
    queueMicrotask,
    atob,
    btoa,
  };
  const fire = (event: string): void => {
    for (const listener of listeners.get(event) ?? []) listener();
  };
  return { globals, fire, storage };
}

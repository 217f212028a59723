// Links by name. Rates and round trips are those that the network monitor of Firefox's developer tools calls
// "Regular 2G", "Regular 3G", "Regular 4G" and "Wi-Fi" (half of its latency each way). Jitter of 2g and 3g makes the span of
// latencies that the Android emulator has for EDGE (80 to 400 ms) and UMTS (35 to 200 ms). Loss of 2g and 3g is what a
// provider of test networks (Loadero) has for EDGE (1%) and 3G (0.5%). Where nothing is named the number is ours.
import type { LinkDirection, LinkProfile } from "./link-model.ts";

const KIB = 1024;

function direction(kilobitsPerSecond: number, delayMs: number, jitterMs: number, lossPercent: number, queueKib: number): LinkDirection {
  return { bitsPerSecond: kilobitsPerSecond * 1000, delayMs, jitterMs, lossPercent, queueBytesMax: queueKib * KIB };
}

/** Loss is per direction. Queues hold seconds of the slow links, as the buffers of mobile networks do. */
export const LINK_PROFILES: Record<string, LinkProfile> = {
  "2g": {
    about: "EDGE: 250 kbit/s down, 50 up, 300 ms round trip and up to 320 ms of jitter, 1% loss",
    up: direction(50, 150, 160, 1, 32),
    down: direction(250, 150, 160, 1, 64),
  },
  "3g": {
    about: "UMTS: 750 kbit/s down, 250 up, 100 ms round trip and up to 165 ms of jitter, 0.5% loss",
    up: direction(250, 50, 82, 0.5, 64),
    down: direction(750, 50, 83, 0.5, 128),
  },
  lossy: {
    about: "a crowded cell: 3g's rates and delays with 5% loss",
    up: direction(250, 50, 82, 5, 64),
    down: direction(750, 50, 83, 5, 128),
  },
  wifi: {
    about: "Wi-Fi: 30 Mbit/s down, 15 up, 2 ms round trip and up to 6 ms of jitter, 0.1% loss",
    up: direction(15_000, 1, 3, 0.1, 256),
    down: direction(30_000, 1, 3, 0.1, 256),
  },
  train: {
    about: "4G on a train: 4 Mbit/s down, 3 up, 20 ms round trip and up to 100 ms of jitter, 1% loss, and every 30 s a tunnel of 2 to 6 s",
    up: direction(3000, 10, 50, 1, 256),
    down: direction(4000, 10, 50, 1, 256),
    outage: { everyMs: 30_000, forMs: 4000 },
  },
};

// The frame types on the wire. The numbers are the contract; who may send which is in SPEC.md §2.

export const FrameType = {
  Hello: 1,
  Welcome: 2,
  Error: 3,
  GoAway: 4,
  Send: 5,
  Sent: 6,
  Push: 7,
  Sync: 8,
  Heads: 9,
  Fetch: 10,
  Page: 11,
  Check: 12,
  Checked: 13,
  Read: 14,
  Resync: 15,
  Signal: 16,
  Heartbeat: 17,
  Dictionary: 18,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** What stands in a header byte besides the type (low five bits). */
export const HeaderBit = { Batch: 0x20, Compressed: 0x40, Reserved: 0x80 } as const;
export const TYPE_MASK = 0x1f;

/** The name of a frame type for logs and metrics; "type-N" for one that has none. */
export function frameTypeName(type: number): string {
  return NAMES[type] ?? `type-${type}`;
}
const NAMES: readonly (string | undefined)[] = (() => {
  const names: (string | undefined)[] = [];
  for (const [name, type] of Object.entries(FrameType)) names[type] = name;
  return names;
})();

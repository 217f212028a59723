// Where the memory is: a table of all parts before anybody connected, with everybody there, and at the end.
import type { MemoryTotals, Result } from "../result.ts";
import { panel } from "./figure.ts";
import { bytes, count, MISSING, text } from "./format.ts";
import { type Markup, NOTHING } from "./markup.ts";
import { inOrder } from "./style.ts";
import { namedRow, scrolled, table } from "./table.ts";

export function memoryTable({ memory }: Result): Markup {
  if (memory === undefined) return NOTHING;
  const { before, connected, end, bytes_per_connection: each, connections } = memory;
  const whole = (totals: MemoryTotals | undefined, part: string): string => {
    const value = totals?.parts[part];
    return value === undefined ? MISSING : text(bytes(value));
  };
  const rows = inOrder(connected.parts).map(([part]) =>
    namedRow(part, [whole(before, part), whole(connected, part), whole(end, part), each[part] === undefined ? MISSING : text(bytes(each[part]))]),
  );
  const all = (totals: MemoryTotals | undefined): string => (totals === undefined ? MISSING : text(bytes(totals.all)));
  const sum = Object.values(each).reduce((total, value) => total + value, 0);
  rows.push(namedRow("all", [all(before), all(connected), all(end), text(bytes(sum))]));
  const free = (totals: MemoryTotals | undefined): string => (totals == null || totals.available === null ? MISSING : text(bytes(totals.available)));
  rows.push(namedRow("still free", [free(before), free(connected), free(end), MISSING]));
  return panel(
    "Where the memory is",
    scrolled(table("", ["", "before anybody connected", `${count(connections)} connected, silent`, "at the end", "per connection"], rows)),
    "Private memory of processes; slab and TCP buffers of the whole machine as kernel, for both ends where both are here. Per connection: what the second column has over the first.",
  );
}

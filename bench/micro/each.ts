// The loop that most candidates are made of.

/** Works on the items in turn, again and again, `count` times; returns the sum of what `work` gives. */
export function each<T>(count: number, items: readonly T[], work: (item: T) => number): number {
  let sum = 0;
  for (let i = 0, at = 0; i < count; i++) {
    sum += work(items[at]!);
    at = at + 1 === items.length ? 0 : at + 1;
  }
  return sum;
}

// What logic of a stack of our own counts and nobody else sees, from its /metrics.

/** Batches from gateways since logic's start; undefined when it does not say. */
export async function logicBatches(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2000) });
    return batchesOf(await response.text());
  } catch {
    // It is busy, or gone: a figure less, and whatever ails it shows elsewhere.
    return undefined;
  }
}

/** hawser_logic_batches_total of a page in the text format of Prometheus. */
export function batchesOf(page: string): number | undefined {
  const value = /^hawser_logic_batches_total (\d+)/m.exec(page)?.[1];
  return value === undefined ? undefined : Number(value);
}

// What will happen in a simulated world, in the order of its time; of events at one time, in the order they were
// made. A binary heap.

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventQueue {
  /** ms since the world began. */
  now: number;
  private readonly heap: Event[];
  private order: number;

  constructor() {
    this.now = 0;
    this.heap = [];
    this.order = 0;
  }

  after(ms: number, run: () => void): void {
    this.push({ at: this.now + ms, order: this.order++, run });
  }

  /** Runs the next event that is not after `until`. False: there is none. */
  next(until: number): boolean {
    const event = this.heap[0];
    if (event === undefined || event.at > until) return false;
    const last = this.heap.pop()!;
    if (last !== event) this.sink(last);
    this.now = event.at;
    event.run();
    return true;
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.push(event) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && before(event, heap[parent]!); parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  private sink(event: Event): void {
    const { heap } = this;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, event)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = event;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

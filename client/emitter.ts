// A typed event emitter without Node's: small, safe for browsers, and an "error" that nobody listens to
// is no crash. Listeners run synchronously, in the order they were added.

// biome-ignore lint/suspicious/noExplicitAny: a listener's argument is fixed by the event's name, at on()
type Listener = (value: any) => void;

export class Emitter<Events extends object> {
  private readonly listeners: Map<keyof Events, Listener[]>;

  constructor() {
    this.listeners = new Map();
  }

  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): this {
    const before = this.listeners.get(name);
    // Copied on write, so that an emit under way walks the list that it began with.
    this.listeners.set(name, before === undefined ? [listener] : [...before, listener]);
    return this;
  }

  once<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): this {
    const wrapped = (value: Events[Name]): void => {
      this.off(name, wrapped);
      listener(value);
    };
    return this.on(name, wrapped);
  }

  off<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): this {
    const before = this.listeners.get(name);
    if (before === undefined) return this;
    const after = before.filter((other) => other !== listener);
    if (after.length === 0) this.listeners.delete(name);
    else this.listeners.set(name, after);
    return this;
  }

  /** How many listen. */
  listenerCount(name: keyof Events): number {
    return this.listeners.get(name)?.length ?? 0;
  }

  /** Calls the listeners; what one throws goes to `failed`, and the others still run. */
  protected emit<Name extends keyof Events>(name: Name, value: Events[Name], failed: (thrown: unknown) => void): void {
    const listeners = this.listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of listeners) {
      try {
        listener(value);
      } catch (thrown) {
        failed(thrown);
      }
    }
  }
}

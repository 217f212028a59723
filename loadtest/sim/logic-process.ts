// A logic process of the simulated world: the real Logic over an opening of the world's disk, whose commits and reads
// take their time.
import type { Bus, KeyValue } from "../../proto/bus.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hex } from "../../proto/hex.ts";
import { Logic } from "../../logic/logic.ts";
import { MemoryStore } from "../../logic/testing/memory-store.ts";
import { SimProcess } from "./sim-process.ts";
import type { World } from "./world.ts";

/** Small, so that everything that can be full or evicted is. */
const LIMITS = {
  conversations: { conversationsMax: 2, sendersMax: 2, parkedMax: 8, parkedBytesMax: 16_384 },
  users: { absentBytesMax: 0, absentSecondsMax: 10, sessionsPerUserMax: 8, waitingMax: 4, headsPerPageMax: 3 },
  groupCommit: { recordsMax: 24, bytesMax: 4096 },
};

const TICK_MS = 100;

export class LogicProcess extends SimProcess implements Bus {
  readonly name: string;
  readonly store: MemoryStore;
  readonly logic: Logic;
  private readonly world: World;
  private commitScheduled: boolean;
  private readsScheduled: number;

  constructor(world: World) {
    super();
    const incarnation = world.random.bytes(8);
    this.name = hex(incarnation);
    this.world = world;
    this.store = new MemoryStore(world.disk);
    this.store.holdCommits = true;
    this.store.holdReads = true;
    this.commitScheduled = false;
    this.readsScheduled = 0;
    this.logic = new Logic({
      bus: this,
      store: this.store,
      cluster: "sim",
      fatal: (error) => world.logicFailed(this, error),
      warn: (message) => world.logicWarned(message),
      loop: {
        now: () => world.queue.now,
        unixNow: () => world.unixNow(),
        endOfTurn: (run) => world.queue.after(0, () => this.perform(run)),
      },
      limits: world.random.chance(0.7) ? LIMITS : {},
      incarnation,
    });
    world.bus.subscribe(this.name, this);
    this.ticks();
  }

  /** Its entry in the owners bucket. */
  get owner(): Uint8Array {
    const { epoch, shardCount, storeId } = this.store.meta;
    const incarnation = Buffer.from(this.name, "hex");
    return fabric.fabric.v1.Owner.encode({ incarnation, epoch, shardFirst: 0, shardLast: shardCount - 1, shardCount, store: storeId }).finish();
  }

  override crash(): void {
    if (!this.alive) return;
    super.crash();
    this.world.bus.unsubscribe(this.name);
    // Of a commit under way nobody knows whether it reached the disk.
    if (this.store.heldCommit !== undefined && this.world.random.chance(0.5)) this.store.commitNow(false);
    this.store.crash();
  }

  /** Gives what the store was asked its time. Called after each event. */
  pump(): void {
    const { random, queue, faults } = this.world;
    if (this.store.heldCommit !== undefined && !this.commitScheduled) {
      this.commitScheduled = true;
      queue.after(1 + random.below(random.chance(0.1) ? faults.diskMs * 10 : faults.diskMs), () => this.perform(() => this.commit()));
    }
    for (; this.readsScheduled < this.store.heldReads; this.readsScheduled++) {
      queue.after(random.below(random.chance(0.1) ? faults.diskMs * 10 : faults.diskMs), () => this.perform(() => this.read()));
    }
  }

  receive(bytes: Uint8Array): void {
    this.perform(() => this.logic.receive(bytes));
  }

  get connected(): boolean {
    return this.world.bus.connected;
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    return this.alive && this.world.bus.publish(this.name, subject.slice(subject.lastIndexOf(".") + 1), bytes);
  }

  subscribe(): void {}

  flush(): Promise<void> {
    return Promise.resolve();
  }

  keyValue(): Promise<KeyValue> {
    return Promise.reject(new Error("the world says who owns what"));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private commit(): void {
    this.commitScheduled = false;
    this.world.settle = true;
    if (this.world.random.chance(this.world.faults.commitFails)) this.store.commitFails(new Error("simulated"), this.world.random.chance(0.5));
    else this.store.commitNow();
  }

  private read(): void {
    this.readsScheduled--;
    this.world.settle = true;
    const { random } = this.world;
    this.store.readNow(random.below(this.store.heldReads), random.chance(0.5));
  }

  private ticks(): void {
    this.world.queue.after(TICK_MS, () => {
      if (!this.alive) return;
      this.perform(() => this.logic.tick());
      this.ticks();
    });
  }
}

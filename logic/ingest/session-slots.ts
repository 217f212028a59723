// The sessions of one gateway by slot: pages of an array, since gateways give out slots from 0 on. A map of as many would be made
// anew, in one go, each time it has to grow.
import { Limits } from "../../proto/limits.ts";
import type { Session } from "../shard/session.ts";

const PAGE_BITS = 8;
const PAGE = 1 << PAGE_BITS;
/** A slot beyond is none; gateways see to it that they have no more (gateway/config.ts). */
export const SLOTS_MAX = Limits.gatewaySlotsMax;

type Page = (Session | undefined)[];

export class SessionSlots {
  size: number;
  private readonly pages: (Page | undefined)[];
  /** Slots below this are free: where next() goes on. */
  private from: number;

  constructor() {
    this.size = 0;
    this.pages = [];
    this.from = 0;
  }

  get(slot: number): Session | undefined {
    return slot < SLOTS_MAX ? this.pages[slot >>> PAGE_BITS]?.[slot & (PAGE - 1)] : undefined;
  }

  /** Puts a session into its slot, which is free. The caller has seen to it that it is below SLOTS_MAX. */
  add(session: Session): void {
    const { pages } = this;
    const index = session.slot >>> PAGE_BITS;
    while (pages.length <= index) pages.push(undefined);
    const page = (pages[index] ??= new Array<Session | undefined>(PAGE).fill(undefined));
    page[session.slot & (PAGE - 1)] = session;
    this.size++;
  }

  /** Frees the slot of a session that is in it. */
  remove(session: Session): void {
    this.pages[session.slot >>> PAGE_BITS]![session.slot & (PAGE - 1)] = undefined;
    this.size--;
  }

  /** The session in the lowest slot: to be removed before the next is asked for, when none is added any more. */
  next(): Session | undefined {
    const { pages } = this;
    for (; this.from < pages.length * PAGE; this.from++) {
      const session = pages[this.from >>> PAGE_BITS]?.[this.from & (PAGE - 1)];
      if (session !== undefined) return session;
    }
    return undefined;
  }
}

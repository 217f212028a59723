// Brings conversations and senders from disk into the overlay. Whoever needs the same one at the same time shares one
// read: so a value that was read before a commit can never replace what the commit made of it.
import type { ConversationState } from "./conversation-state.ts";
import { readState } from "./head.ts";
import { headKey, senderKey } from "./keys.ts";
import { textOf } from "./latin1.ts";
import type { Overlay } from "./overlay.ts";
import type { Reader } from "./reader.ts";
import { readSender, SenderState } from "./sender-state.ts";
import { readUint32 } from "./varint.ts";

export class Loader {
  private readonly reader: Reader;
  private readonly overlay: Overlay;
  private readonly states: Map<string, Promise<ConversationState>>;
  private readonly senders: Map<string, Promise<SenderState>>;

  constructor(reader: Reader, overlay: Overlay) {
    this.reader = reader;
    this.overlay = overlay;
    this.states = new Map();
    this.senders = new Map();
  }

  /** The conversation's state, which may be an empty one. */
  state(conversation: Uint8Array): ConversationState | Promise<ConversationState> {
    const id = textOf(conversation);
    const found = this.overlay.find(id);
    if (found !== undefined) return found;
    let loading = this.states.get(id);
    if (loading === undefined) {
      loading = this.readState(id);
      this.states.set(id, loading);
    }
    return loading;
  }

  /** What the install used in the conversation. `install` is 8 bytes. */
  sender(state: ConversationState, install: Uint8Array): SenderState | Promise<SenderState> {
    const found = state.findSender(install);
    if (found !== undefined) return found;
    if (!state.moreSenders) {
      const sender = new SenderState(readUint32(install, 0), readUint32(install, 4), 0, []);
      state.addSender(sender);
      return sender;
    }
    const id = textOf(install) + state.id;
    let loading = this.senders.get(id);
    if (loading === undefined) {
      loading = this.readSender(id, state, install.slice());
      this.senders.set(id, loading);
    }
    return loading;
  }

  private async readState(id: string): Promise<ConversationState> {
    try {
      const state = readState(id, await this.reader.get(headKey(id)));
      this.overlay.add(state);
      return state;
    } finally {
      this.states.delete(id);
    }
  }

  private async readSender(id: string, asked: ConversationState, install: Uint8Array): Promise<SenderState> {
    try {
      const high = readUint32(install, 0);
      const low = readUint32(install, 4);
      const sender = readSender(asked.id, high, low, await this.reader.get(senderKey(asked.id, high, low)));
      // The state may have been dropped and read again meanwhile: the one in the overlay counts.
      const state = this.overlay.states.get(asked.id) ?? asked;
      state.addSender(sender);
      this.overlay.grown(state);
      return sender;
    } finally {
      this.senders.delete(id);
    }
  }
}

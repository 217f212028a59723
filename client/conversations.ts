// All conversations that this client knows, found by what frames and the application call them.
import { ConversationKind, idText } from "../proto/conversation.ts";
import { ConversationLog } from "./conversation-log.ts";

/** The server sent what SPEC.md forbids. */
export class Violation extends Error {}

export class Conversations {
  // By kind, so that a lookup builds no key.
  private readonly direct: Map<string, ConversationLog>;
  private readonly groups: Map<string, ConversationLog>;
  private self: ConversationLog | undefined;

  constructor() {
    this.direct = new Map();
    this.groups = new Map();
    this.self = undefined;
  }

  /** The conversation, made if it is new. Throws RangeError on what is no id. */
  get(kind: ConversationKind, id: string): ConversationLog {
    if (kind === ConversationKind.Self) {
      this.self ??= new ConversationLog(kind, "");
      return this.self;
    }
    const logs = kind === ConversationKind.Direct ? this.direct : this.groups;
    let log = logs.get(id);
    if (log === undefined) {
      log = new ConversationLog(kind, id);
      logs.set(id, log);
    }
    return log;
  }

  /** The conversation that a Head, Page or Read names. Throws Violation. */
  addressed(by: { peer: Uint8Array; group: Uint8Array; self: boolean }): ConversationLog {
    if (by.self) return this.get(ConversationKind.Self, "");
    return by.group.length > 0 ? this.get(ConversationKind.Group, idOf(by.group)) : this.get(ConversationKind.Direct, idOf(by.peer));
  }

  /** The conversation of a Push. Throws Violation. */
  pushed(by: { from: Uint8Array; to: Uint8Array; group: Uint8Array; self: boolean }): ConversationLog {
    if (by.self) return this.get(ConversationKind.Self, "");
    if (by.group.length > 0) return this.get(ConversationKind.Group, idOf(by.group));
    return this.get(ConversationKind.Direct, idOf(by.from.length > 0 ? by.from : by.to));
  }

  /** In the order they became known, direct ones first. */
  *all(): Generator<ConversationLog> {
    yield* this.direct.values();
    yield* this.groups.values();
    if (this.self !== undefined) yield this.self;
  }
}

/** An id of a frame as text. Throws Violation. */
export function idOf(id: Uint8Array): string {
  const text = idText(id);
  if (text === undefined) throw new Violation("an id that is empty, too long or not UTF-8");
  return text;
}

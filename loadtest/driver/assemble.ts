// Makes the objects of those who talk from the numbers of the cast: conversations, lanes, views, talkers.
import type { Cast } from "../cast/cast.ts";
import { Conversation, Lane, View } from "./conversation.ts";
import type { Ledger } from "./ledger.ts";
import { NOBODY, type SessionTable } from "./session-table.ts";
import { Talker } from "./talker.ts";

export function assemble(cast: Cast, table: SessionTable, talkers: Talker[], ledger: Ledger): void {
  for (let i = 0; i < cast.first.length; i++) {
    const conversation = new Conversation(cast.first[i]!, cast.second[i]!);
    ledger.conversations.push(conversation);
    for (const [user, peer] of [
      [conversation.first, conversation.second],
      [conversation.second, conversation.first],
    ] as const) {
      for (const session of cast.sessionsOf(user)) {
        const view = new View(conversation, session, user, peer);
        conversation.views.push(view);
        talkerAt(session, user, table, talkers).add(view);
      }
    }
  }
  for (let i = 0; i < cast.laneConversation.length; i++) {
    const conversation = ledger.conversations[cast.laneConversation[i]!]!;
    const from = cast.laneFromSecond[i] === 1 ? conversation.second : conversation.first;
    // A user sends from the first device.
    const sender = conversation.views.find(({ user }) => user === from)!;
    const receivers = conversation.views.filter(({ user }) => user !== from);
    const lane = new Lane(i, conversation, sender, receivers);
    sender.outgoing = lane;
    for (const view of receivers) view.incoming = lane;
    conversation.lanes.push(lane);
    ledger.lanes.push(lane);
  }
}

function talkerAt(session: number, user: number, table: SessionTable, talkers: Talker[]): Talker {
  const number = table.talker[session]!;
  if (number !== NOBODY) return talkers[number]!;
  table.talker[session] = talkers.length;
  const talker = new Talker(session, user);
  talkers.push(talker);
  return talker;
}

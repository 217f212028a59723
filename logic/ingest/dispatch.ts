// Takes each command of a gateway to the shard that owns it. The conversation is worked out again from the
// decoded body and the session's own user: what the gateway peeked decides nothing here.
import { ConversationKind, idText, shardOf, userKey } from "../../proto/conversation.ts";
import { ErrorCode, errorFrame } from "../../proto/error-code.ts";
import { FrameType, frameTypeName } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import type { Reader } from "../../proto/runtime.ts";
import type { ConversationShard } from "../shard/conversation-shard.ts";
import { conversationKey } from "../shard/naming.ts";
import { closeSession, replyError } from "../shard/reply.ts";
import { bytesText, Session } from "../shard/session.ts";
import type { UserShard } from "../shard/user-shard.ts";
import type { GatewayPeer } from "./gateway-peer.ts";
import { SLOTS_MAX } from "./session-slots.ts";
import type { Command } from "./up-batch.ts";

const { Operation, Attach } = fabric.fabric.v1;

const FRAME_BYTES_DEFAULT = Limits.frameBytesMax;

/** To a session without a valid user, install or device: a gateway's mistake, since it has checked them. */
const NO_SESSION = errorFrame(ErrorCode.BadRequest, { closes: true, detail: "not a session" });

export class Dispatch {
  /** Commands by type since the start, for metrics. */
  readonly counts: Float64Array;
  private readonly conversations: readonly ConversationShard[];
  private readonly users: readonly UserShard[];

  constructor(conversations: readonly ConversationShard[], users: readonly UserShard[]) {
    this.counts = new Float64Array(128);
    this.conversations = conversations;
    this.users = users;
  }

  /** `now`: wire time in ms. Never throws for what a client or a gateway sent. */
  command(peer: GatewayPeer, command: Command, now: number): void {
    const { type } = command;
    if (type < this.counts.length) this.counts[type]!++;
    if (type === Operation.OPERATION_ATTACH) return this.attach(peer, command);
    const session = peer.sessions.get(command.slot);
    // A session that this link never heard of, or that was replaced in its slot: nobody to answer.
    if (session === undefined || session.generation !== command.generation) return;
    if (type === Operation.OPERATION_DETACH) return this.detach(peer, session);
    if (session.closing) return;
    const message = decode(type, command.body());
    if (message === undefined) return replyError(session, ErrorCode.BadRequest, command.ref, { detail: `not a ${frameTypeName(type)}` });
    this.request(session, command.ref, message, now);
  }

  attach(peer: GatewayPeer, command: Command): void {
    const { slot, generation, user, install } = command;
    // Not entered: the gateway's table and ours differ then, and its link is replaced, with a warning, until somebody looks.
    if (slot >= SLOTS_MAX) return;
    const attach = decodeAttach(command.body());
    const { device, connection, sync, watermark, report, frameBytesMax } = attach ?? new Attach();
    const previous = peer.sessions.get(slot);
    if (previous !== undefined) this.detach(peer, previous);
    const userShard = shardOf(userKey(user), this.users.length);
    const fields = { gateway: peer, slot, generation, user, userShard, install, device, connection, reported: report };
    const session = new Session({ ...fields, frameBytesMax: frameBytesMax || FRAME_BYTES_DEFAULT });
    // Also one that cannot be served is entered, so that its gateway's table and ours agree.
    peer.addSession(session);
    if (attach === undefined || idText(user) === undefined || idText(device) === undefined || install.length !== Limits.installBytes) {
      return closeSession(session, NO_SESSION);
    }
    const users = this.usersOf(session);
    users.attach(session);
    if (sync) users.sync(session, 0, watermark);
  }

  detach(peer: GatewayPeer, session: Session): void {
    peer.removeSession(session);
    this.usersOf(session).detach(session);
  }

  private request(session: Session, ref: number, message: Request, now: number): void {
    if (message instanceof hawser.v1.Sync) return this.usersOf(session).sync(session, ref, message.watermark);
    if (message instanceof hawser.v1.Check) return this.usersOf(session).check(session, ref, message.digest, message.count);
    const key = conversationKey(message, session.userText);
    if (key === undefined) return replyError(session, ErrorCode.BadRequest, ref, { detail: "names no conversation" });
    // Groups are part of the protocol, and served by nobody yet.
    if (key[0] === ConversationKind.Group) return replyError(session, ErrorCode.NotMember, ref);
    const keyText = bytesText(key);
    if (message instanceof hawser.v1.Read) return this.usersOf(session).read(keyText, session, ref, message.seq);
    const shard = this.conversations[shardOf(key, this.conversations.length)]!;
    if (message instanceof hawser.v1.Send) {
      if (key[0] === ConversationKind.Self) return replyError(session, ErrorCode.Forbidden, ref);
      if (message.clientSeq < 1) return replyError(session, ErrorCode.BadRequest, ref, { detail: "client_seq starts at 1" });
      return shard.send(key, keyText, session, ref, message, now);
    }
    if (!message.backward && message.fromSeq < 1) return replyError(session, ErrorCode.BadRequest, ref, { detail: "from_seq starts at 1" });
    shard.fetch(key, keyText, session, ref, message);
  }

  private usersOf(session: Session): UserShard {
    return this.users[session.userShard]!;
  }
}

type Request = hawser.v1.Send | hawser.v1.Sync | hawser.v1.Fetch | hawser.v1.Check | hawser.v1.Read;

function decodeAttach(body: Reader): fabric.fabric.v1.Attach | undefined {
  try {
    return Attach.decode(body);
  } catch {
    return undefined;
  }
}

/** The message of a request; undefined when the bytes are none, or the type is no request. */
function decode(type: number, body: Reader): Request | undefined {
  try {
    switch (type) {
      case FrameType.Send:
        return hawser.v1.Send.decode(body);
      case FrameType.Sync:
        return hawser.v1.Sync.decode(body);
      case FrameType.Fetch:
        return hawser.v1.Fetch.decode(body);
      case FrameType.Check:
        return hawser.v1.Check.decode(body);
      case FrameType.Read:
        return hawser.v1.Read.decode(body);
      default:
        return undefined;
    }
  } catch {
    // Whatever the decoder found wrong, to its sender it is one error.
    return undefined;
  }
}

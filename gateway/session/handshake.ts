// What is checked of a Hello before its token is, and what a Welcome says. Pure.
import { Codec } from "../../proto/codec/codec.ts";
import { idText } from "../../proto/conversation.ts";
import { ErrorCode } from "../../proto/error-code.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { hex } from "../../proto/hex.ts";
import { Limits } from "../../proto/limits.ts";
import { toWireTime } from "../../proto/time.ts";
import type { CodecOffer, CodecTerms } from "../compress/codecs.ts";

export const PROTOCOL_VERSION = 1;

/** What is kept of a Hello, as copies: the frame's bytes do not outlive it. */
export interface Hello {
  token: string;
  device: Uint8Array;
  install: Uint8Array;
  connection: number;
  sync: boolean;
  watermark: Uint8Array;
  /** Largest frame that the client wants to get. */
  frameBytesMax: number;
  codecs: CodecOffer;
  /** A name for the network that the client is on; "": it says none. */
  network: string;
  /** How long its last connection had been silent when it was found dead, ms; 0: it ended otherwise. */
  lostAfterMs: number;
}

export interface HelloRefusal {
  code: ErrorCode;
  detail: string;
}

/** The Hello in bytes[start, end), or why it is refused. `frameBytesMax` is the server's own limit. */
export function readHello(bytes: Uint8Array, start: number, end: number, frameBytesMax: number): Hello | HelloRefusal {
  let hello: hawser.v1.Hello;
  try {
    hello = hawser.v1.Hello.decode(bytes.subarray(start, end));
  } catch (error) {
    return refused(ErrorCode.BadRequest, `not a Hello: ${error instanceof Error ? error.message : ""}`);
  }
  if (hello.versionMin > PROTOCOL_VERSION || hello.versionMax < PROTOCOL_VERSION) {
    return refused(ErrorCode.VersionUnsupported, `this server speaks version ${PROTOCOL_VERSION}`);
  }
  if (idText(hello.device) === undefined) return refused(ErrorCode.BadRequest, "device must be 1 to 64 bytes of UTF-8");
  if (hello.install.length !== Limits.installBytes) return refused(ErrorCode.BadRequest, `install must be ${Limits.installBytes} bytes`);
  if (hello.token.length === 0) return refused(ErrorCode.AuthFailed, "no token");
  if (hello.token.length > Limits.tokenBytesMax) return refused(ErrorCode.AuthFailed, `token above ${Limits.tokenBytesMax} bytes`);
  const wanted = hello.frameBytesMax === 0 ? frameBytesMax : Math.max(hello.frameBytesMax, Limits.frameBytesWantedMin);
  return {
    token: hello.token,
    device: hello.device.slice(),
    install: hello.install.slice(),
    connection: hello.connection,
    sync: hello.sync,
    // One that cannot be ours is no error: all heads come.
    watermark: hello.watermark.length > Limits.watermarkBytesMax ? EMPTY : hello.watermark.slice(),
    frameBytesMax: Math.min(wanted, frameBytesMax),
    codecs: { deflate: hello.codecs.includes(Codec.Deflate as number), dictionaries: dictionaryNames(hello.dictionaries) },
    network: hello.network,
    lostAfterMs: hello.lostAfterMs,
  };
}

/** Of those that can be names of dictionaries. */
function dictionaryNames(ids: readonly Uint8Array[]): string[] {
  return ids
    .slice(0, Limits.dictionariesPerHelloMax)
    .filter((id) => id.length === Limits.dictionaryIdBytes)
    .map(hex);
}
const EMPTY = new Uint8Array(0);

function refused(code: ErrorCode, detail: string): HelloRefusal {
  return { code, detail };
}

export interface WelcomeFields {
  session: Uint8Array;
  user: Uint8Array;
  heartbeatMs: number;
  frameBytesMax: number;
  sendsPerSecond: number;
  /** ms since 1970. */
  unixMs: number;
  terms: CodecTerms;
}

/** A whole Welcome frame. */
export function welcomeFrame(fields: WelcomeFields): Uint8Array {
  return encodeMessage(FrameType.Welcome, hawser.v1.Welcome, {
    version: PROTOCOL_VERSION,
    session: fields.session,
    heartbeatMs: fields.heartbeatMs,
    frameBytesMax: fields.frameBytesMax,
    payloadBytesMax: Limits.payloadBytesMax,
    serverTime: toWireTime(fields.unixMs),
    user: fields.user,
    sendsPerSecond: Math.max(1, Math.floor(fields.sendsPerSecond)),
    requestsInFlightMax: Limits.requestsInFlightMax,
    codec: fields.terms.codec,
    dictionary: fields.terms.dictionary,
    dictionaryWanted: fields.terms.dictionaryWanted,
  });
}

/** What support needs to find a session in the logs: 4 bytes of the gateway's incarnation, slot, generation. */
export function sessionName(incarnation: Uint8Array, slot: number, generation: number): Uint8Array {
  const name = new Uint8Array(12);
  name.set(incarnation.subarray(0, 4));
  const view = new DataView(name.buffer);
  view.setUint32(4, slot);
  view.setUint32(8, generation);
  return name;
}

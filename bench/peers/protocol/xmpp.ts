// XMPP as a client: SASL PLAIN without TLS, one resource for each session, presence without a roster. A group is a room
// (XEP-0045) that members enter; the room reflects a message to its sender, which counts as its acknowledgement. With
// acks, 1:1 messages are acknowledged by stream management (XEP-0198): a request behind each message.
//
// The reader cuts a stream into stanzas by counting tags. It knows as much of XML as servers send: elements, attributes in
// either quotes, text, and the stream's own open tag; no comments, no CDATA.
import type { PeerIdentity, PeerOutput, PeerProtocol, PeerSession } from "./protocol.ts";

export interface XmppOptions {
  domain: string;
  /** Of the service that has the rooms. */
  rooms: string;
  password: string;
  /** Ask for an acknowledgement behind each 1:1 message. */
  acks: boolean;
}

const LT = 0x3c;
const GT = 0x3e;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;

export function xmpp(options: XmppOptions): PeerProtocol {
  return { acks: options.acks, publishAcks: true, session: (identity, out) => new XmppSession(options, identity, out) };
}

class XmppSession implements PeerSession {
  private readonly options: XmppOptions;
  private readonly identity: PeerIdentity;
  private readonly out: PeerOutput;
  private authenticated: boolean;
  /** Stanzas received since stream management was on. */
  private handled: number;

  constructor(options: XmppOptions, identity: PeerIdentity, out: PeerOutput) {
    this.options = options;
    this.identity = identity;
    this.out = out;
    this.authenticated = false;
    this.handled = 0;
  }

  opened(): void {
    this.authenticated = false;
    this.handled = 0;
    this.openStream();
  }

  data(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    for (;;) {
      const next = stanzaEnd(bytes, at, end);
      if (next < 0) return at - start;
      this.stanza(
        Buffer.from(bytes.buffer, bytes.byteOffset + at, next - at)
          .toString("utf8")
          .trimStart(),
      );
      at = next;
    }
  }

  send(to: string, text: Uint8Array): void {
    const { domain, acks } = this.options;
    this.write(`<message to='${to}@${domain}' type='chat'><body>${escapeXml(text)}</body></message>${acks ? "<r xmlns='urn:xmpp:sm:3'/>" : ""}`);
  }

  publish(group: string, text: Uint8Array): void {
    this.write(`<message to='${group}@${this.options.rooms}' type='groupchat'><body>${escapeXml(text)}</body></message>`);
  }

  private openStream(): void {
    this.write(`<stream:stream to='${this.options.domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`);
  }

  private stanza(xml: string): void {
    this.handled++;
    if (xml.startsWith("<message")) this.message(xml);
    else if (xml.startsWith("<presence")) this.presence(xml);
    else if (xml.startsWith("<iq")) this.iq(xml);
    else this.nonza(xml);
  }

  /** What stream management does not count. */
  private nonza(xml: string): void {
    this.handled--;
    // One for each request, and each message has one behind it.
    if (xml.startsWith("<a ")) this.out.acked();
    else if (xml.startsWith("<r ")) this.write(`<a xmlns='urn:xmpp:sm:3' h='${this.handled}'/>`);
    else if (xml.startsWith("<stream:features")) this.features();
    else if (xml.startsWith("<success")) {
      this.authenticated = true;
      this.openStream();
    } else if (xml.startsWith("<enabled")) {
      this.handled = 0;
      this.present();
    } else if (!xml.startsWith("<?xml") && !xml.startsWith("<stream:stream")) this.out.failed(xml.slice(0, 200));
  }

  private features(): void {
    const { user } = this.identity;
    if (this.authenticated) this.write(`<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind></iq>`);
    else {
      const plain = Buffer.from(`\0${user}\0${this.options.password}`).toString("base64");
      this.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`);
    }
  }

  private iq(xml: string): void {
    if (attribute(xml, "type") === "error") this.out.failed(xml.slice(0, 200));
    else if (attribute(xml, "id") === "bind") {
      if (this.options.acks) this.write("<enable xmlns='urn:xmpp:sm:3'/>");
      else this.present();
    } else if (attribute(xml, "type") === "get") {
      // Servers may ask (a ping, a version); not to answer would be taken as death.
      this.write(`<iq type='result' id='${attribute(xml, "id")}' to='${attribute(xml, "from")}'/>`);
    }
  }

  /** Available from now on, and in the rooms; the server reflects both. */
  private present(): void {
    const room = this.identity.group ?? this.identity.publishes;
    this.write("<presence/>");
    if (room !== undefined)
      this.write(
        `<presence to='${room}@${this.options.rooms}/${this.identity.user}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>`,
      );
  }

  private presence(xml: string): void {
    if (attribute(xml, "type") === "error") {
      this.out.failed(xml.slice(0, 200));
      return;
    }
    const room = this.identity.group ?? this.identity.publishes;
    const from = attribute(xml, "from");
    const own = room === undefined ? `${this.identity.user}@${this.options.domain}/bench` : `${room}@${this.options.rooms}/${this.identity.user}`;
    if (from === own && attribute(xml, "type") === undefined) this.out.ready();
  }

  private message(xml: string): void {
    if (attribute(xml, "type") === "error") {
      this.out.failed(xml.slice(0, 300));
      return;
    }
    const body = xml.indexOf("<body>");
    // A room's subject has no body, nor have notices of its configuration.
    if (body < 0) return;
    const text = unescapeXml(xml.slice(body + "<body>".length, xml.indexOf("</body>")));
    const own = this.identity.publishes !== undefined && attribute(xml, "from")?.endsWith(`/${this.identity.user}`) === true;
    if (own) this.out.acked();
    else this.out.delivered(Buffer.from(text));
  }

  private write(xml: string): void {
    this.out.write(Buffer.from(xml));
  }
}

/**
 * Where the stanza ends that begins at `at` (bytes before its first tag count to it): at the end of its closing tag, or of its
 * one tag. The stream's own tag and the XML declaration are stanzas of their own. -1 when the bytes end first.
 */
export function stanzaEnd(bytes: Uint8Array, at: number, end: number): number {
  let depth = 0;
  let i = at;
  for (;;) {
    const open = bytes.indexOf(LT, i);
    if (open < 0 || open >= end) return -1;
    const close = tagEnd(bytes, open + 1, end);
    if (close < 0) return -1;
    i = close + 1;
    const first = bytes[open + 1];
    if (first === QUESTION || (depth === 0 && isStreamTag(bytes, open, close))) return i;
    if (first === SLASH) depth--;
    else if (bytes[close - 1] !== SLASH) depth++;
    if (depth <= 0) return i;
  }
}

/** Where the tag's > is, quoted ones apart; -1 when it has not come. */
function tagEnd(bytes: Uint8Array, at: number, end: number): number {
  let quote = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === GT) return i;
    else if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) quote = byte;
  }
  return -1;
}

const STREAM = Buffer.from("stream:stream");

function isStreamTag(bytes: Uint8Array, open: number, close: number): boolean {
  const from = bytes[open + 1] === SLASH ? open + 2 : open + 1;
  if (close - from < STREAM.length) return false;
  for (let i = 0; i < STREAM.length; i++) if (bytes[from + i] !== STREAM[i]) return false;
  return true;
}

/** An attribute of a stanza's first tag, as it is written. */
export function attribute(xml: string, name: string): string | undefined {
  const tag = xml.slice(0, xml.indexOf(">"));
  const match = new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)')`).exec(tag);
  return match === null ? undefined : (match[1] ?? match[2]);
}

/** Characters that XML gives a meaning; control characters, which it cannot carry, are the caller's to leave out. */
export function escapeXml(text: Uint8Array): string {
  const plain = Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8");
  return /[&<>\r]/.test(plain) ? plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#13;") : plain;
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

export function unescapeXml(xml: string): string {
  if (!xml.includes("&")) return xml;
  return xml.replace(/&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([a-z]+));/g, (whole, hex: string | undefined, decimal: string | undefined, name: string | undefined) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name!] ?? whole;
  });
}

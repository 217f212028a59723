// The HTTP exchange that turns a connection into a WebSocket (RFC 6455, section 4), client side: what to ask, and what is
// wrong with an answer. No I/O.
import { hash, randomFillSync } from "node:crypto";
import type { WireTarget } from "./wire.ts";

/** RFC 6455, section 1.3. */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const keyBytes = Buffer.alloc(16);

/** The request, and the Sec-WebSocket-Accept that must answer it. */
export function upgradeRequest({ host, port, path = "/", protocol }: WireTarget): { request: Buffer; accept: string } {
  const key = randomFillSync(keyBytes).toString("base64");
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ];
  return { request: Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), accept: hash("sha1", key + ACCEPT_GUID, "base64") };
}

/** What is wrong with the server's answer (up to its empty line), as a reason; undefined when nothing is. */
export function judgeAnswer(answer: string, accept: string, protocol: string | undefined): string | undefined {
  const [status = "", ...lines] = answer.split("\r\n");
  const code = /^HTTP\/1\.1 (\d{3})( |$)/.exec(status)?.[1];
  if (code === undefined) return "EPROTO";
  if (code !== "101") return `HTTP ${code}`;
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  const upgraded = headers.get("upgrade")?.toLowerCase() === "websocket" && /(^|,)\s*upgrade\s*(,|$)/i.test(headers.get("connection") ?? "");
  const agreed = headers.get("sec-websocket-accept") === accept && headers.get("sec-websocket-protocol") === protocol;
  return upgraded && agreed && !headers.has("sec-websocket-extensions") ? undefined : "EPROTO";
}

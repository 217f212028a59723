// What the sessions of a driver say of themselves in Hello: token, device, install. Made when needed, kept for nobody.
import { createHmac } from "node:crypto";
import type { Cast } from "../cast/cast.ts";
import type { UserNames } from "../cast/names.ts";
import { Limits } from "../../proto/limits.ts";
import type { DriverPlan } from "./control.ts";

/** Longer than any run. */
const TOKEN_SECONDS = 7 * 24 * 3600;
const JWT_HEADER = Buffer.from(JSON.stringify({ alg: "HS256", typ: "JWT" })).toString("base64url");

export class Identity {
  private readonly plan: DriverPlan;
  private readonly cast: Cast;
  private readonly names: UserNames;
  private readonly devices: Uint8Array[];
  private readonly scratch: Uint8Array;
  private readonly runHash: number;

  constructor(plan: DriverPlan, cast: Cast, names: UserNames) {
    this.plan = plan;
    this.cast = cast;
    this.names = names;
    this.devices = [];
    this.scratch = new Uint8Array(Limits.installBytes);
    let hash = 0x811c9dc5 ^ plan.seed;
    for (const byte of Buffer.from(plan.run)) hash = Math.imul(hash ^ byte, 0x01000193);
    this.runHash = hash >>> 0;
  }

  userName(session: number): string {
    return this.names.text(this.cast.userOf(session));
  }

  /** `dev:USER`, or a JWT signed with HMAC-SHA-256 (RFC 7515). */
  token(session: number): string {
    const { token } = this.plan;
    const user = this.userName(session);
    if (token.kind === "dev") return `dev:${user}`;
    const claims = { sub: user, exp: Math.floor(Date.now() / 1000) + TOKEN_SECONDS };
    const signed = `${JWT_HEADER}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    return `${signed}.${createHmac("sha256", token.secret).update(signed).digest("base64url")}`;
  }

  device(session: number): Uint8Array {
    const device = this.cast.deviceOf(session);
    return (this.devices[device] ??= Buffer.from(`load-${device}`));
  }

  /** Never the same in two runs on one server, since `run` is not. Valid until the next call. */
  install(session: number): Uint8Array {
    const view = new DataView(this.scratch.buffer);
    view.setUint32(0, this.runHash);
    view.setUint32(4, (session * this.plan.drivers + this.plan.driver) >>> 0);
    return this.scratch;
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

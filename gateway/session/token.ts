// Who a token says its bearer is: JWTs checked by jose, with one shared secret (HS256) or a file of public keys
// (JWKS: EdDSA, RS256), which is read again when it changes. The algorithms are pinned by which of the two is
// configured, so that a token cannot choose ("none", or HMAC with a public key for a secret).
import { readFileSync, statSync } from "node:fs";
import { createLocalJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { idBytes } from "../../proto/conversation.ts";
import { ErrorCode } from "../../proto/error-code.ts";

export interface TokenOptions {
  /** HS256 secret, 32 bytes or more. */
  jwtSecret?: string;
  /** Path of a JSON Web Key Set with public keys. */
  jwksFile?: string;
  /** Takes `dev:USER` for USER, without any proof. */
  devTokens?: boolean;
}

export interface Verified {
  code: 0;
  user: Uint8Array;
  /** When the token ends, ms since 1970; Infinity: never. */
  expiresAtUnixMs: number;
}

export interface Refused {
  code: ErrorCode;
  /** For the client's developer; says nothing about keys. */
  detail: string;
}

const DEV_PREFIX = "dev:";
const SECRET_ALGORITHMS = ["HS256"];
const PUBLIC_ALGORITHMS = ["EdDSA", "Ed25519", "RS256"];

export class TokenVerifier {
  private readonly secret: Uint8Array | undefined;
  private readonly jwksFile: string | undefined;
  private readonly devTokens: boolean;
  private keys: JWTVerifyGetKey | undefined;
  /** Of the key file as it was read: a change of either is a new file. */
  private fileMark: string;

  /** Throws when there is nothing to check tokens with, or the key file cannot be read. */
  constructor(options: TokenOptions) {
    this.secret = options.jwtSecret === undefined ? undefined : new TextEncoder().encode(options.jwtSecret);
    this.jwksFile = options.jwksFile;
    this.devTokens = options.devTokens ?? false;
    this.keys = undefined;
    this.fileMark = "";
    if (this.secret === undefined && this.jwksFile === undefined && !this.devTokens) throw new Error("no way to check tokens");
    if (this.jwksFile !== undefined) this.reload();
  }

  /** Reads the key file if it changed. True: new keys are in use. Throws, and keeps the old ones, when it cannot be read. */
  reload(): boolean {
    if (this.jwksFile === undefined) return false;
    const { mtimeMs, size, ino } = statSync(this.jwksFile);
    const mark = `${mtimeMs} ${size} ${ino}`;
    if (mark === this.fileMark) return false;
    try {
      this.keys = createLocalJWKSet(JSON.parse(readFileSync(this.jwksFile, "utf8")));
    } catch (error) {
      throw new Error(`${this.jwksFile} is not a JSON Web Key Set ({"keys": [...]})`, { cause: error });
    }
    this.fileMark = mark;
    return true;
  }

  /** Checks a token for a device. Never rejects. */
  async verify(token: string, device: string): Promise<Verified | Refused> {
    if (this.devTokens && token.startsWith(DEV_PREFIX)) return accepted(token.slice(DEV_PREFIX.length), Number.POSITIVE_INFINITY);
    let claims: JWTPayload;
    try {
      claims = await this.claimsOf(token);
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { code: ErrorCode.TokenExpired, detail: "the token has expired" };
      if (error instanceof errors.JOSEError) return refused(error.message);
      return { code: ErrorCode.Internal, detail: "the token could not be checked" };
    }
    if (claims["device"] !== undefined && claims["device"] !== device) return refused("the token is for another device");
    if (typeof claims.sub !== "string") return refused("the token has no claim sub");
    return accepted(claims.sub, claims.exp === undefined ? Number.POSITIVE_INFINITY : claims.exp * 1000);
  }

  private async claimsOf(token: string): Promise<JWTPayload> {
    if (this.secret !== undefined) return (await jwtVerify(token, this.secret, { algorithms: SECRET_ALGORITHMS })).payload;
    if (this.keys !== undefined) return (await jwtVerify(token, this.keys, { algorithms: PUBLIC_ALGORITHMS })).payload;
    throw new errors.JWTInvalid("this server takes development tokens only (dev:USER)");
  }
}

function accepted(user: string, expiresAtUnixMs: number): Verified | Refused {
  try {
    return { code: 0, user: idBytes(user), expiresAtUnixMs };
  } catch {
    return refused("the user id must be 1 to 64 bytes of UTF-8");
  }
}

function refused(detail: string): Refused {
  return { code: ErrorCode.AuthFailed, detail };
}

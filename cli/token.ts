// `hawser token`: makes a token as an application's login service would, for trying out a Hawser that checks them.
import type { Command } from "commander";
import { SignJWT } from "jose";
import { idBytes } from "../proto/conversation.ts";
import { Failure } from "./failure.ts";
import { option, seconds } from "./options.ts";

interface Flags {
  user: string;
  device?: string;
  ttl: number;
  secret?: string;
}

/** Shorter keys weaken HS256, and RFC 7518 §3.2 forbids them. */
const SECRET_BYTES_MIN = 32;

/** A JWT signed with HMAC-SHA-256: `sub` is the user, `exp` is ttlSeconds from now. Throws RangeError for what is no id. */
export function makeToken(user: string, secret: string, ttlSeconds: number, device?: string): Promise<string> {
  idBytes(user);
  const claims = device === undefined ? {} : { device };
  if (device !== undefined) idBytes(device);
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(user)
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(new TextEncoder().encode(secret));
}

export function build(command: Command): void {
  command
    .requiredOption("--user <id>", "whom the token names")
    .option("--device <name>", "the only device that may use it (any, when left out)")
    .addOption(option("--ttl <time>", "how long it is good: 90s, 15m, 1h, 7d", { env: "HAWSER_TOKEN_TTL", default: 3600, defaultText: "1h", parse: seconds }))
    .addOption(option("--secret <text>", "the secret that the gateways were given", { env: "HAWSER_JWT_SECRET" }))
    .addHelpText(
      "after",
      `
Examples:
  export HAWSER_JWT_SECRET=$(openssl rand -hex 32)
  npm start                                  # checks tokens against the secret
  npm run -s token -- --user alice --ttl 1d  # prints a token and nothing else
A development server (npm start without a secret) needs none: there, dev:alice is alice's token.`,
    )
    .action(async (flags: Flags) => {
      if (!flags.secret) throw new Failure("no secret: pass --secret or set HAWSER_JWT_SECRET to what the gateways were given");
      if (Buffer.byteLength(flags.secret) < SECRET_BYTES_MIN) {
        throw new Failure(`the secret is shorter than ${SECRET_BYTES_MIN} bytes: make a better one with \`openssl rand -hex 32\``);
      }
      console.log(await makeToken(flags.user, flags.secret, flags.ttl, flags.device));
    });
}

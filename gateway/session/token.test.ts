// Real tokens, made by jose: what passes, and everything that must not. And the configuration around them.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import t from "tap";
import { errorName } from "../../proto/error-code.ts";
import { openFilesMax } from "../accept/admission.ts";
import { ConfigError, type GatewayOptions, gatewayConfig } from "../config.ts";
import { TokenVerifier } from "./token.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const secretKey = new TextEncoder().encode(SECRET);
const in1h = Math.floor(Date.now() / 1000) + 3600;

async function hmac(claims: JWTPayload, key = secretKey, alg = "HS256"): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(key);
}

/** "user" or "user until …", or the error's name. */
async function outcome(verifier: TokenVerifier, token: string, device = "phone"): Promise<string> {
  const result = await verifier.verify(token, device);
  if (result.code !== 0) return errorName(result.code);
  const user = Buffer.from(result.user).toString();
  return Number.isFinite(result.expiresAtUnixMs) ? `${user} until ${result.expiresAtUnixMs}` : user;
}

t.test("a shared secret", async (t) => {
  const verifier = new TokenVerifier({ jwtSecret: SECRET });
  t.equal(await outcome(verifier, await hmac({ sub: "alice" })), "alice");
  t.equal(await outcome(verifier, await hmac({ sub: "alice", exp: in1h })), `alice until ${in1h * 1000}`);
  t.equal(await outcome(verifier, await hmac({ sub: "ümläut 🙂" })), "ümläut 🙂");
  t.equal(await outcome(verifier, await hmac({ sub: "alice", device: "phone", exp: in1h })), `alice until ${in1h * 1000}`);
  const good = await hmac({ sub: "alice", exp: in1h });
  const [header, payload, signature] = good.split(".") as [string, string, string];
  const forged = Buffer.from(JSON.stringify({ sub: "root", exp: in1h })).toString("base64url");
  const publicKey = generateKeyPairSync("ed25519").privateKey;
  const cases: Record<string, [string, string]> = {
    expired: [await hmac({ sub: "alice", exp: 1 }), "TOKEN_EXPIRED"],
    "expired, and not signed by us": [await hmac({ sub: "alice", exp: 1 }, new Uint8Array(32)), "AUTH_FAILED"],
    "not valid yet": [await hmac({ sub: "alice", nbf: in1h }), "AUTH_FAILED"],
    "another secret": [await hmac({ sub: "alice" }, new TextEncoder().encode(`${SECRET}!`)), "AUTH_FAILED"],
    "other claims under a good signature": [`${header}.${forged}.${signature}`, "AUTH_FAILED"],
    "no signature": [`${header}.${payload}.`, "AUTH_FAILED"],
    "alg none": [new UnsecuredJWT({ sub: "alice" }).encode(), "AUTH_FAILED"],
    "another HMAC": [await hmac({ sub: "alice" }, new Uint8Array(64).fill(1), "HS512"), "AUTH_FAILED"],
    "a key pair where a secret is expected": [await new SignJWT({ sub: "alice" }).setProtectedHeader({ alg: "EdDSA" }).sign(publicKey), "AUTH_FAILED"],
    "no sub": [await hmac({}), "AUTH_FAILED"],
    "sub that is no text": [await hmac({ sub: 5 as unknown as string }), "AUTH_FAILED"],
    "an empty sub": [await hmac({ sub: "" }), "AUTH_FAILED"],
    "a sub of 65 bytes": [await hmac({ sub: "x".repeat(65) }), "AUTH_FAILED"],
    "a sub with half a character": [await hmac({ sub: "\ud800" }), "AUTH_FAILED"],
    "another device": [await hmac({ sub: "alice", device: "tablet" }), "AUTH_FAILED"],
    "a device that is no text": [await hmac({ sub: "alice", device: null as unknown as string }), "AUTH_FAILED"],
    "dev token": ["dev:alice", "AUTH_FAILED"],
    "no token at all": ["nonsense", "AUTH_FAILED"],
    dots: ["..", "AUTH_FAILED"],
    bytes: ["\u0000\ufffd.é.🙂", "AUTH_FAILED"],
  };
  for (const [name, [token, expected]] of Object.entries(cases)) t.equal(await outcome(verifier, token), expected, name);
});

t.test("a file of public keys", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-jwks-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "keys.json");
  const ed = generateKeyPairSync("ed25519");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const next = generateKeyPairSync("ed25519");
  const publish = async (...keys: [string, KeyObject][]) => {
    writeFileSync(file, JSON.stringify({ keys: await Promise.all(keys.map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid }))) }));
  };
  await publish(["ed", ed.publicKey], ["rsa", rsa.publicKey]);
  const sign = (kid: string, alg: string, key: KeyObject | Uint8Array, claims: JWTPayload = { sub: "alice" }) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key);
  const verifier = new TokenVerifier({ jwksFile: file, devTokens: true });
  t.equal(await outcome(verifier, await sign("ed", "EdDSA", ed.privateKey)), "alice");
  t.equal(await outcome(verifier, await sign("rsa", "RS256", rsa.privateKey, { sub: "bob", exp: in1h })), `bob until ${in1h * 1000}`);
  t.equal(await outcome(verifier, await sign("ed", "EdDSA", ed.privateKey, { sub: "alice", exp: 1 })), "TOKEN_EXPIRED");
  t.equal(await outcome(verifier, await sign("ed", "EdDSA", next.privateKey)), "AUTH_FAILED", "a stranger's key");
  t.equal(await outcome(verifier, await sign("next", "EdDSA", next.privateKey)), "AUTH_FAILED", "an unknown key");
  t.equal(await outcome(verifier, new UnsecuredJWT({ sub: "alice" }).encode()), "AUTH_FAILED", "alg none");
  const pem = new TextEncoder().encode(rsa.publicKey.export({ type: "spki", format: "pem" }) as string);
  t.equal(await outcome(verifier, await sign("rsa", "HS256", pem)), "AUTH_FAILED", "HMAC with the public key as its secret");
  t.equal(await outcome(verifier, "dev:carol"), "carol", "development tokens beside it");
  t.equal(await outcome(verifier, "dev:"), "AUTH_FAILED");

  t.notOk(verifier.reload(), "nothing changed");
  await publish(["ed", ed.publicKey], ["next", next.publicKey], ["rsa", rsa.publicKey]);
  t.ok(verifier.reload());
  t.equal(await outcome(verifier, await sign("next", "EdDSA", next.privateKey)), "alice", "a new key, without a restart");
  writeFileSync(file, "{ half a file");
  t.throws(() => verifier.reload(), /not a JSON Web Key Set/);
  t.equal(await outcome(verifier, await sign("next", "EdDSA", next.privateKey)), "alice", "the old keys stay");
  await publish(["next", next.publicKey]);
  t.ok(verifier.reload());
  t.equal(await outcome(verifier, await sign("ed", "EdDSA", ed.privateKey)), "AUTH_FAILED", "a key that was withdrawn");
  t.throws(() => new TokenVerifier({ jwksFile: join(folder, "none.json") }));
  t.throws(() => new TokenVerifier({}));
});

t.test("development tokens alone", async (t) => {
  const verifier = new TokenVerifier({ devTokens: true });
  t.equal(await outcome(verifier, "dev:alice"), "alice");
  t.equal(await outcome(verifier, await hmac({ sub: "alice" })), "AUTH_FAILED");
  t.equal(await outcome(verifier, `dev:${"x".repeat(65)}`), "AUTH_FAILED");
});

t.test("configuration: defaults, and errors that name the fix", async (t) => {
  const config = gatewayConfig({ devTokens: true });
  t.match(config, { tcpPort: 7070, webSocketPort: 7071, adminPort: 7072, cluster: "hawser", tls: undefined });
  t.match(config.sessions, { heartbeatMs: 240_000, handshakeMs: 10_000, frameBytesMax: 512 * 1024, sendsPerSecond: 100, sendsBurst: 200 });
  const files = openFilesMax();
  t.ok(files === undefined || config.sessions.connectionsMax <= Math.max(1, files - 256));
  t.equal(openFilesMax("/nowhere"), undefined);
  const cases: [GatewayOptions, RegExp][] = [
    [{}, /give jwtSecret .* or jwksFile .* devTokens/],
    [{ jwtSecret: SECRET, jwksFile: "keys.json" }, /leave one out/],
    [{ jwtSecret: "short" }, /openssl rand/],
    [{ devTokens: true, tlsCertFile: "cert.pem" }, /tlsKeyFile/],
    [{ devTokens: true, tlsKeyFile: "key.pem" }, /tlsCertFile/],
    [{ devTokens: true, tcpPort: false, webSocketPort: false }, /give tcpPort or webSocketPort/],
    [{ devTokens: true, tcpPort: 70_000 }, /0 to 65535/],
    [{ devTokens: true, cluster: "a.b" }, /cluster name/],
    [{ devTokens: true, heartbeatMs: 10 }, /heartbeatMs is 10: give a number from 1000/],
    [{ devTokens: true, frameBytesMax: 1 << 30 }, /frameBytesMax/],
    [{ devTokens: true, drainMs: Number.NaN }, /drainMs/],
    [{ devTokens: true, connectionsMax: 8_388_000 }, /connectionsMax is 8388000: give a number from 1 to 8387584/],
    [{ devTokens: true, tcpPort: false, connectionsMax: 10_000_001 }, /from 1 to 10000000/],
  ];
  if (files !== undefined) cases.push([{ devTokens: true, connectionsMax: files }, /ulimit -n/]);
  for (const [options, message] of cases) t.throws(() => gatewayConfig(options), { name: "ConfigError", message }, JSON.stringify(options));
  t.ok(new ConfigError("x") instanceof Error);
});

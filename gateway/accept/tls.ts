// TLS as this server speaks it: versions, ciphers, ALPN, and the certificate's files, which are read again when they
// change. TLS 1.2 at least; of 1.2 only suites with forward secrecy and authenticated encryption.
//
// Tickets: a client that comes back resumes with one, for as long as TICKET_SECONDS and this process last; their keys are
// random, of this process alone, and survive a new certificate.
import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContextOptions, type TlsOptions } from "node:tls";

export interface TlsFileOptions {
  certFile: string;
  keyFile: string;
  /** Oldest version spoken; 1.2 by default. */
  minVersion?: TlsVersion;
}

export const TLS_VERSIONS = ["1.2", "1.3"] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** The protocol's name in ALPN, as in the WebSocket's subprotocol. A client may offer none; one that offers others is refused. */
export const ALPN = "hawser.v1";
/** RFC 7525bis (BCP 195), 4.2: ECDHE with AES-GCM or ChaCha20; the client's order stands, which knows whether it has AES in hardware. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
];
/** The same list for an engine that keeps TLS 1.3's suites to itself. */
export const CIPHERS_1_2 = CIPHERS.filter((name) => !name.startsWith("TLS_")).join(":");
/**
 * A 1.2 suite that needs a pre-shared key, which nobody has: with this list alone a handshake of 1.2 finds no suite. It
 * is how an engine without an option for the version is kept to 1.3.
 */
export const CIPHERS_1_3_ONLY = "ECDHE-PSK-CHACHA20-POLY1305";
const TICKET_SECONDS = 24 * 3600;
const TICKET_KEYS_BYTES = 48;

/** The files of a certificate, as they were when they were last good together. */
export class TlsFiles {
  readonly options: TlsFileOptions;
  /** When the certificate ends, ms since 1970. */
  expiresAtUnixMs: number;
  cert: Buffer;
  key: Buffer;
  private mark: string;
  private badMark: string;

  /** Reads them. Throws when they are missing, broken, or do not belong together. */
  constructor(options: TlsFileOptions) {
    this.options = options;
    this.expiresAtUnixMs = 0;
    this.cert = Buffer.alloc(0);
    this.key = Buffer.alloc(0);
    this.mark = "";
    this.badMark = "";
    this.reload();
  }

  /**
   * Reads the files if they changed. True: there is a new certificate. Throws, and keeps the old one, when they are no
   * good; once for each state of the files: the next call only throws when they changed again.
   */
  reload(): boolean {
    const { certFile, keyFile } = this.options;
    const mark = `${fileMark(certFile)} ${fileMark(keyFile)}`;
    if (mark === this.mark || mark === this.badMark) return false;
    try {
      const cert = readFileSync(certFile);
      const key = readFileSync(keyFile);
      const { certificate, same } = checkPair(cert, key, this.cert, this.key, certFile, keyFile);
      this.mark = mark;
      this.badMark = "";
      if (same) return false;
      this.cert = cert;
      this.key = key;
      this.expiresAtUnixMs = Date.parse(certificate.validTo);
      return true;
    } catch (error) {
      this.badMark = mark;
      throw error;
    }
  }

  /** Whether the files were good when they were looked at last. */
  get current(): boolean {
    return this.badMark === "";
  }

  /** What was read last could not be taken into use: the next `reload` reads again. */
  forget(): void {
    this.mark = "";
    this.cert = Buffer.alloc(0);
  }
}

/** Throws unless the two belong together and make a context. */
function checkPair(cert: Buffer, key: Buffer, oldCert: Buffer, oldKey: Buffer, certFile: string, keyFile: string) {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (error) {
    throw new Error(`${certFile} is no certificate (PEM)`, { cause: error });
  }
  let belongs: boolean;
  try {
    belongs = certificate.checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new Error(`${keyFile} is no private key (PEM, without a passphrase)`, { cause: error });
  }
  if (!belongs) throw new Error(`the key in ${keyFile} is not that of the certificate in ${certFile}`);
  createSecureContext({ cert, key });
  return { certificate, same: cert.equals(oldCert) && key.equals(oldKey) };
}

function fileMark(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    // Reading it will say so.
    return "missing";
  }
}

/** Options of a node:tls server, and of its later contexts. `ticketKeys`: the same for both. */
export function nodeTlsOptions(files: TlsFiles, ticketKeys: Buffer): TlsOptions & SecureContextOptions {
  return {
    cert: files.cert,
    key: files.key,
    minVersion: files.options.minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
    ciphers: CIPHERS.join(":"),
    honorCipherOrder: false,
    ALPNProtocols: [ALPN],
    sessionTimeout: TICKET_SECONDS,
    ticketKeys,
  };
}

export function newTicketKeys(): Buffer {
  return randomBytes(TICKET_KEYS_BYTES);
}

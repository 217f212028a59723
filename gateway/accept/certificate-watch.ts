// Looks at the certificate's files now and then, has the transports take a new one into use, and says when one ends soon.
// Driven from outside (a timer, a signal); the transports do the work.
import type { Log } from "../log.ts";
import { TlsFiles, type TlsFileOptions } from "./tls.ts";
import type { Transport } from "./transport.ts";

const DAY_MS = 24 * 3600 * 1000;
/** A certificate of Let's Encrypt is due for renewal with 30 days left; with half of that something is wrong. */
const WARN_BEFORE_MS = 15 * DAY_MS;

export class CertificateWatch {
  private readonly files: TlsFiles;
  private readonly transports: readonly Transport[];
  private readonly log: Log;
  private warnedAt: number;

  /** Throws when the files are no good. */
  constructor(options: TlsFileOptions, transports: readonly Transport[], log: Log) {
    this.files = new TlsFiles(options);
    this.transports = transports;
    this.log = log;
    this.warnedAt = Number.NEGATIVE_INFINITY;
  }

  /** When the certificate in use ends, ms since 1970. */
  get endsAtUnixMs(): number {
    return this.files.expiresAtUnixMs;
  }

  /** Reads the files if they changed. A state of them that is no good is logged once, and changes nothing. */
  check(unixNow: number): void {
    try {
      if (this.files.reload()) {
        for (const transport of this.transports) transport.renewCertificate?.();
        this.log.info({ ends: new Date(this.endsAtUnixMs).toISOString() }, "new certificate: connections from now on get it");
        this.warnedAt = Number.NEGATIVE_INFINITY;
      }
    } catch (error) {
      this.log.error({ error: error instanceof Error ? error.message : String(error) }, "the new certificate cannot be used: the old one stays in use");
      // A transport may have met files that were half written, and were good before and afterwards.
      if (this.files.current) this.files.forget();
    }
    this.warn(unixNow);
  }

  /** Once a day. */
  private warn(unixNow: number): void {
    const leftMs = this.endsAtUnixMs - unixNow;
    if (leftMs > WARN_BEFORE_MS || unixNow - this.warnedAt < DAY_MS) return;
    this.warnedAt = unixNow;
    const fields = { ends: new Date(this.endsAtUnixMs).toISOString(), days: Math.floor(leftMs / DAY_MS) };
    if (leftMs <= 0) this.log.error(fields, "the certificate has ended: clients refuse it");
    else this.log.warn(fields, "the certificate ends soon");
  }
}

// The texts of all messages as one run of bytes: encoded once, numbered, and never a string again.

export class Texts {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Text i is bytes[offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array;

  constructor(texts: readonly string[]) {
    this.count = texts.length;
    this.offsets = new Uint32Array(texts.length + 1);
    let length = 0;
    for (const [i, text] of texts.entries()) this.offsets[i + 1] = length += Buffer.byteLength(text);
    const bytes = Buffer.allocUnsafeSlow(length);
    for (const [i, text] of texts.entries()) bytes.write(text, this.offsets[i]!);
    this.bytes = bytes;
  }

  /** Whether bytes[start, end) are this text. */
  equals(text: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.offsets[text]!;
    const length = end - start;
    if (this.offsets[text + 1]! - from !== length) return false;
    const own = this.bytes;
    for (let i = 0; i < length; i++) if (own[from + i] !== bytes[start + i]) return false;
    return true;
  }
}

// Fuzzes what inflates compressed frames: our own inflater against zlib, which must take and refuse the same bytes; what comes
// out has the claimed size or is nothing; what our deflater makes comes back. Bombs, cut and damaged data, sizes that lie.
//
// An input: dictionary (1 byte), claimed size (2 bytes), the size limit (1 byte), then the data.
import { deflateRawSync, constants as zlib } from "node:zlib";
import { inflateBody } from "../../proto/codec/codec.ts";
import { SMALL_BYTES_MAX, SmallDeflater } from "../../proto/codec/deflate.ts";
import { inflateRaw } from "../../proto/codec/inflate.ts";
import { zlibInflate } from "../../proto/codec/zlib-inflate.ts";
import type { Random } from "../../proto/testing/random.ts";
import { writeVarint } from "../../proto/varint.ts";
import { expect, type FuzzTarget, Input, mutate } from "./target.ts";

const PREFIX_BYTES = 4;
const NONE = new Uint8Array(0);
const DICTIONARY = Buffer.from("good morning, are you coming tonight? I don't know yet, see you tomorrow at the station. thanks, ok, haha yes no".repeat(3));
const DICTIONARIES = [NONE, DICTIONARY];
const DEFLATERS = DICTIONARIES.map((dictionary) => new SmallDeflater(dictionary));
const LIMITS = [16, 300, 4096, 65_535];
const WORDS = DICTIONARY.toString().split(" ");
const STRATEGIES = [zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED];
/** Made by zlib only now and then: setting it up costs ten times what all the rest does. */
const ZLIB_SHARE = 0.03;
const ZLIB_CHECKED = 4;

export class DeflateTarget implements FuzzTarget {
  readonly name = "deflate";
  readonly unit = "bodies";
  private readonly input: Input;
  private readonly plain: Uint8Array;
  private readonly work: Uint8Array;
  private readonly framed: Uint8Array;

  constructor() {
    this.input = new Input(PREFIX_BYTES + 20_000);
    this.plain = new Uint8Array(SMALL_BYTES_MAX);
    this.work = new Uint8Array(2 * SMALL_BYTES_MAX);
    this.framed = new Uint8Array(20_008);
  }

  generate(random: Random): Uint8Array {
    const { input } = this;
    const which = random.below(2);
    const text = this.text(random);
    input.length = 0;
    input.byte(which);
    const size = random.chance(0.7) ? text.length : random.pick([0, 1, text.length - 1, text.length + 1, random.below(65_536)]);
    input.byte(size);
    input.byte(size >> 8);
    input.byte(random.below(4));
    const kind = random.below(20);
    if (kind === 0) input.noise(random, random.below(60));
    else if (random.chance(ZLIB_SHARE)) {
      const dictionary = DICTIONARIES[which]!;
      const data = deflateRawSync(text, { level: random.below(10), strategy: random.pick(STRATEGIES), ...(dictionary.length > 0 && { dictionary }) });
      for (const byte of data) input.byte(byte);
    } else {
      const end = DEFLATERS[which]!.deflate(text, this.work, 0, this.work.length);
      for (let i = 0; i < end; i++) input.byte(this.work[i]!);
    }
    if (random.chance(0.6)) mutate(random, input, PREFIX_BYTES);
    return input.taken;
  }

  check(input: Uint8Array): number {
    const dictionary = DICTIONARIES[(input[0] ?? 0) & 1]!;
    const size = (input[1] ?? 0) | ((input[2] ?? 0) << 8);
    const limit = LIMITS[(input[3] ?? 0) & 3]!;
    const data = input.subarray(PREFIX_BYTES);
    const at = writeVarint(this.framed, 0, size);
    this.framed.set(data, at);
    const own = inflateBody(this.framed, 0, at + data.length, limit, dictionary, inflateRaw);
    expect(own === undefined || (own.length === size && size > 0 && size <= limit), "the size that was claimed and allowed, or nothing");
    expect(own === undefined || own.buffer.byteLength <= size + 64, "memory for the claimed size");
    if (data.length === 0 || size === 0 || size > limit) {
      expect(own === undefined, "nothing, without data, without a size, above the limit");
      return 1;
    }
    // zlib is ten times as slow for what is small: it looks at one of some.
    if ((data[data.length >> 1]! ^ data.length) % ZLIB_CHECKED !== 0) return 1;
    const theirs = zlibInflate(data, size, dictionary);
    expect((own === undefined) === (theirs === undefined), "taken and refused as zlib does it");
    if (own !== undefined) expect(Buffer.compare(own, theirs!) === 0, "zlib's bytes");
    return 1;
  }

  private text(random: Random): Uint8Array {
    const { plain } = this;
    let length = 0;
    const most = random.pick([8, 40, 40, 300, 300, SMALL_BYTES_MAX]);
    const wanted = 1 + random.below(most);
    while (length < wanted) {
      const kind = random.below(10);
      if (kind < 7) {
        const word = random.pick(WORDS);
        for (let i = 0; i < word.length && length < wanted; i++) plain[length++] = word.charCodeAt(i);
        if (length < wanted) plain[length++] = 32;
      } else if (kind < 9) {
        for (let i = random.below(12); i >= 0 && length < wanted; i--) plain[length++] = random.uint32();
      } else {
        const byte = random.uint32();
        for (let i = random.below(400); i >= 0 && length < wanted; i--) plain[length++] = byte;
      }
    }
    return plain.subarray(0, wanted);
  }
}

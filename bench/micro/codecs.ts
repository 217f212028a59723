// The compressors that are tried, each as a pair of functions with the same contract. One that is not to be had here is left out,
// and says so.
import * as zlib from "node:zlib";
import { SMALL_BYTES_MAX, SmallDeflater } from "../../proto/codec/deflate.ts";
import { nodeInflate } from "../../proto/codec/zlib-inflate.ts";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ensureToolPackages } from "../tool-packages.ts";

export interface Compressor {
  readonly name: string;
  compress(bytes: Uint8Array): Uint8Array;
  /** Back again, given what `compress` gave. */
  inflate(bytes: Uint8Array): Uint8Array;
  /** Bytes of what `compress` gives that say the inflated size, which the wire says by itself. */
  readonly sizeBytes: number;
  /** Larger bodies are not for it. */
  readonly bytesMax?: number;
}

interface Lz4 {
  compressSync(data: Uint8Array, dictionary?: Uint8Array): Uint8Array;
  uncompressSync(data: Uint8Array, dictionary?: Uint8Array): Uint8Array;
}

type ZstdOptions = { params?: Record<number, number>; dictionary?: Uint8Array };
/** Of node:zlib since 22.15; the dictionary since later. */
interface Zstd {
  zstdCompressSync(data: Uint8Array, options: ZstdOptions): Uint8Array;
  zstdDecompressSync(data: Uint8Array, options: ZstdOptions): Uint8Array;
}

/** All that can be had, with the dictionary and without. */
export function compressors(dictionary: Uint8Array, say: (line: string) => void): Compressor[] {
  const dictionaryBuffer = Buffer.from(dictionary);
  return [...lz4(dictionaryBuffer, say), ...deflate(dictionaryBuffer), ...own(dictionary), ...brotli(), ...zstd(dictionaryBuffer, say)];
}

function lz4(dictionary: Buffer, say: (line: string) => void): Compressor[] {
  let tool: Lz4;
  try {
    tool = createRequire(join(ensureToolPackages("tools", "compressors"), "package.json"))("lz4-napi") as Lz4;
  } catch (error) {
    say(`SKIPPED: lz4-napi cannot be used here (${error instanceof Error ? error.message : String(error)})`);
    return [];
  }
  // Four bytes with the inflated size stand before the block.
  const sizeBytes = 4;
  return [
    { name: "lz4", sizeBytes, compress: (bytes) => tool.compressSync(bytes), inflate: (bytes) => tool.uncompressSync(bytes) },
    {
      name: "lz4 + dictionary",
      sizeBytes,
      compress: (bytes) => tool.compressSync(bytes, dictionary),
      inflate: (bytes) => tool.uncompressSync(bytes, dictionary),
    },
  ];
}

function deflate(dictionary: Buffer): Compressor[] {
  return [1, 6].flatMap((level) => [
    {
      name: `deflate ${level}`,
      sizeBytes: 0,
      compress: (bytes: Uint8Array) => zlib.deflateRawSync(bytes, { level }),
      inflate: (bytes: Uint8Array) => zlib.inflateRawSync(bytes),
    },
    {
      name: `deflate ${level} + dictionary`,
      sizeBytes: 0,
      compress: (bytes: Uint8Array) => zlib.deflateRawSync(bytes, { level, dictionary }),
      inflate: (bytes: Uint8Array) => zlib.inflateRawSync(bytes, { dictionary }),
    },
  ]);
}

/** What gateways and clients use: proto/codec/deflate.ts and, for larger bodies, zlib's level 1; beside it what each would do alone. */
function own(dictionary: Uint8Array): Compressor[] {
  const ofOwn = (words: Uint8Array) => {
    const deflater = new SmallDeflater(words);
    return (bytes: Uint8Array): Uint8Array => sized(bytes.length, (out) => deflater.deflate(bytes, out, SIZE_BYTES, out.length - SIZE_BYTES));
  };
  const inflateWith = (words: Uint8Array) => (bytes: Uint8Array) => nodeInflate(bytes.subarray(SIZE_BYTES), sizeOf(bytes), words)!;
  const none = new Uint8Array(0);
  const small = ofOwn(dictionary);
  const zlibFrom = 1200;
  const shipped = (bytes: Uint8Array): Uint8Array => {
    if (bytes.length < zlibFrom) return small(bytes);
    const data = zlib.deflateRawSync(bytes, { level: 1, dictionary, chunkSize: bytes.length });
    return sized(bytes.length, (out) => {
      out.set(data, SIZE_BYTES);
      return SIZE_BYTES + data.length;
    });
  };
  return [
    { name: "own deflate", sizeBytes: SIZE_BYTES, bytesMax: SMALL_BYTES_MAX, compress: ofOwn(none), inflate: inflateWith(none) },
    { name: "own deflate + dictionary", sizeBytes: SIZE_BYTES, bytesMax: SMALL_BYTES_MAX, compress: small, inflate: inflateWith(dictionary) },
    { name: "as shipped", sizeBytes: SIZE_BYTES, compress: shipped, inflate: inflateWith(dictionary) },
  ];
}

/** The inflated size stands before the data, as lz4 has it. */
const SIZE_BYTES = 4;
function sized(size: number, write: (out: Uint8Array) => number): Uint8Array {
  const out = new Uint8Array(SIZE_BYTES + size + (size >> 3) + 16);
  const end = write(out);
  new DataView(out.buffer).setUint32(0, size);
  return out.subarray(0, end);
}
function sizeOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function brotli(): Compressor[] {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  return [1, 5].map((quality) => ({
    name: `brotli ${quality}`,
    sizeBytes: 0,
    compress: (bytes: Uint8Array) => zlib.brotliCompressSync(bytes, { params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
    inflate: (bytes: Uint8Array) => zlib.brotliDecompressSync(bytes),
  }));
}

function zstd(dictionary: Buffer, say: (line: string) => void): Compressor[] {
  if (!("zstdCompressSync" in zlib)) {
    say(`SKIPPED: zstd is not in node:zlib of ${process.version} (22.15 and newer have it)`);
    return [];
  }
  const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as Zstd;
  const level = (zlib.constants as unknown as Record<string, number>)["ZSTD_c_compressionLevel"]!;
  const params = { [level]: 3 };
  const plain: Compressor = {
    name: "zstd 3",
    sizeBytes: 0,
    compress: (bytes) => zstdCompressSync(bytes, { params }),
    inflate: (bytes) => zstdDecompressSync(bytes, {}),
  };
  const withDictionary: Compressor = {
    name: "zstd 3 + dictionary",
    sizeBytes: 0,
    compress: (bytes) => zstdCompressSync(bytes, { params, dictionary }),
    inflate: (bytes) => zstdDecompressSync(bytes, { dictionary }),
  };
  // An older one would ignore the option without a word.
  const [a, b] = [plain.compress(dictionary), withDictionary.compress(dictionary)];
  if (b.length < a.length) return [plain, withDictionary];
  say(`SKIPPED: zstd of ${process.version} takes no dictionary`);
  return [plain];
}

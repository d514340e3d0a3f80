// hot path: synchronous, never throws
import { brotliDecompressSync, gunzipSync, inflateSync, type ZlibOptions } from 'node:zlib';
import type { ByteText } from '../base/byte-text.ts';
import { INFLATED_BYTES_LEAST, INFLATION_RATIO_MAX } from '../limits.ts';

export type Inflated =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** Larger than a bound allows: nothing says that it is malicious. */
  | { readonly kind: 'too-large'; readonly reason: string }
  /** A coding that is not known, or a list of them. */
  | { readonly kind: 'unknown-coding' }
  | { readonly kind: 'broken'; readonly reason: string };

/**
 * Undoes the Content-Encoding of a request body: `gzip`, `x-gzip`, `deflate` (the zlib format of RFC 9110 8.4.1.2) or
 * `br`, one of them. Data that end early, data behind the end, and several gzip members are broken: some readers stop
 * at the first, some go on.
 *
 * @param encoding  The field's value; '' and `identity` give the bytes themselves.
 * @param bytes     Read before this returns.
 * @param bytesMax  Bound on the result, bytes. `INFLATION_RATIO_MAX` bounds it too; memory never grows past either.
 */
export function inflateBody(encoding: ByteText, bytes: Buffer, bytesMax: number): Inflated {
  const coding = encoding.toLowerCase();
  if (coding === '' || coding === 'identity') {
    return bytes.length <= bytesMax ? { kind: 'bytes', bytes } : tooLarge(`more than ${bytesMax} bytes`);
  }
  const inflate = CODINGS.get(coding);
  if (inflate === undefined) return { kind: 'unknown-coding' };
  const byRatio = Math.max(INFLATED_BYTES_LEAST, bytes.length * INFLATION_RATIO_MAX);
  // zlib takes 1 at least.
  const maxOutputLength = Math.max(1, Math.min(bytesMax, byRatio));
  try {
    const { buffer, engine } = inflate(bytes, { maxOutputLength, info: true }) as unknown as WithInfo;
    if (engine.bytesWritten !== bytes.length) return broken('something follows the compressed data');
    if (coding.endsWith('gzip') && bytes.readUInt32LE(bytes.length - 4) !== buffer.length % 2 ** 32) {
      return broken('it has several gzip members');
    }
    return buffer.length <= bytesMax ? { kind: 'bytes', bytes: buffer } : tooLarge(`more than ${bytesMax} bytes`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_BUFFER_TOO_LARGE') return broken(`it cannot be inflated (${code ?? 'no reason given'})`);
    return tooLarge(
      byRatio < bytesMax ? `more than ${INFLATION_RATIO_MAX} times its length` : `more than ${bytesMax} bytes`,
    );
  }
}

/** What `info: true` makes of the result; its types do not know. */
interface WithInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

type Inflate = (bytes: Buffer, options: ZlibOptions) => Buffer;

const CODINGS: ReadonlyMap<ByteText, Inflate> = new Map([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync as Inflate],
]);

function tooLarge(reason: string): Inflated {
  return { kind: 'too-large', reason };
}

function broken(reason: string): Inflated {
  return { kind: 'broken', reason };
}

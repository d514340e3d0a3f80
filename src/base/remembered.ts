// hot path: synchronous, never throws
import type { ByteText } from './byte-text.ts';

/**
 * A function of a text that keeps what it said of the last short ones: for names, which come again and again.
 *
 * @param entriesMax  So many are kept; then all are forgotten.
 * @param bytesMax    Longer texts are asked anew each time.
 */
export function remembered<T>(of: (text: ByteText) => T, entriesMax: number, bytesMax: number): (text: ByteText) => T {
  const known = new Map<ByteText, T>();
  return (text) => {
    if (text.length > bytesMax) return of(text);
    const before = known.get(text);
    if (before !== undefined) return before;
    // A copy: the text may be a slice that holds on to a whole body.
    const own = Buffer.from(text, 'latin1').toString('latin1');
    const now = of(own);
    if (known.size >= entriesMax) known.clear();
    known.set(own, now);
    return now;
  };
}

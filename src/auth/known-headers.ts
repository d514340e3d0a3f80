// hot path: synchronous, never throws
import { KNOWN_HEADER_LENGTH_MAX, KNOWN_HEADERS_MAX } from '../limits.ts';
import type { Members } from './strict-json.ts';

interface KnownHeader {
  /** As it is in tokens, base64url, with the dot behind it. */
  readonly text: string;
  readonly members: Members;
}

/**
 * Headers of tokens that were good, by their text: an issuer writes the same one into all its tokens, and what was
 * read once reads the same again. Bounded in number and length; the one that came first goes first.
 *
 * Threads: one per thread.
 */
export class KnownHeaders {
  readonly #headers: KnownHeader[] = [];
  #next = 0;

  /**
   * @param token  Any text.
   * @param end    Where the first dot of it is.
   * @returns      Members of the header before the dot; null when it is not known.
   */
  find(token: string, end: number): Members | null {
    for (const { text, members } of this.#headers) {
      if (text.length === end + 1 && token.startsWith(text)) return members;
    }
    return null;
  }

  /**
   * @param text     The header with its dot: a text of its own, since a piece of a larger one would keep that. Of a
   *                 token whose signature was right, so that nobody else can push out what is known.
   * @param members  What `readCompact` read from it.
   */
  add(text: string, members: Members): void {
    if (text.length > KNOWN_HEADER_LENGTH_MAX) return;
    this.#headers[this.#next] = { text, members };
    this.#next = (this.#next + 1) % KNOWN_HEADERS_MAX;
  }
}

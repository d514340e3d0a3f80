// hot path: synchronous, never throws
import { formatIPv6, isMapped, maskOf, parseAddress } from './ip-address.ts';

/** Texts remembered per instance: honest clients come again; a stranger may not grow it. */
const REMEMBERED_MAX = 1_024;

/**
 * What counts as one client: an IPv4 address, or the leading bits of an IPv6 one, since whoever has one IPv6 address
 * has 2^64 of them.
 *
 * Threads: one instance each, for its memory of recent answers.
 */
export class ClientPrefix {
  readonly #bits: number;
  readonly #remembered = new Map<string, string>();

  /** @param bits  Leading bits of an IPv6 address, 16 to 128. */
  constructor(bits: number) {
    this.#bits = bits;
  }

  /** @param address  Canonical text. @returns  The same for IPv4; `2001:db8:1:2::/64` for IPv6. */
  of(address: string): string {
    if (!address.includes(':')) return address;
    return this.#remembered.get(address) ?? this.#learn(address);
  }

  #learn(address: string): string {
    const words = parseAddress(address);
    const prefix = words === null || isMapped(words) ? address : this.#prefix(words);
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(address, prefix);
    return prefix;
  }

  #prefix(words: readonly [number, number, number, number]): string {
    const part = (index: 0 | 1 | 2 | 3) =>
      (words[index] & maskOf(Math.min(32, Math.max(0, this.#bits - 32 * index)))) >>> 0;
    return `${formatIPv6([part(0), part(1), part(2), part(3)])}/${this.#bits}`;
  }
}

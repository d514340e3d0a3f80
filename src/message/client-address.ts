// hot path: synchronous, never throws
import { type AddressSet, hasAddress } from '../base/address-set.ts';
import { type AddressWords, formatAddress, parseAddress } from '../base/ip-address.ts';
import { compileRanges } from '../config/address-ranges.ts';
import { ADDRESS_MEMO_SLOTS, FORWARDED_HOPS_MAX } from '../limits.ts';
import { elementStart, parameterOf } from './forwarded.ts';

/** Who is asking, behind the proxies that the operator trusts. */
export interface ClientAddresses {
  /** Is this peer one of the trusted proxies? @param peer  Canonical text, as `addressText` gives it. */
  trusts(peer: string): boolean;
  /**
   * Address of the client: canonical text; `peer` itself where nobody trusted says otherwise.
   *
   * Lists are walked from the right, hop by hop, past trusted proxies; the first address that is not one of them is the
   * client. An entry that is no address (`unknown`, `_hidden`, empty, malformed) ends the walk at the last good one:
   * what stands left of it was vouched for by nobody we know. So does the hop past `FORWARDED_HOPS_MAX`.
   *
   * With both fields present X-Forwarded-For alone is read: most proxies add to it and pass a stranger's Forwarded on
   * untouched.
   *
   * @param xForwardedFor  The list, fields joined by `, `; '' for none.
   * @param forwarded      The same of Forwarded (RFC 7239).
   */
  resolve(peer: string, xForwardedFor: string, forwarded: string): string;
}

/**
 * @param trustedProxies  Addresses or CIDR ranges.
 * @throws  SallyportError SP_CONFIG for an entry that is neither.
 *
 * Threads: one instance per thread, for its memory of recent answers.
 */
export function compileClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  if (trustedProxies.length === 0) return NOBODY;
  return new TrustedProxies(compileRanges(trustedProxies, 'trustedProxies'));
}

const NOBODY: ClientAddresses = Object.freeze({ trusts: () => false, resolve: (peer: string) => peer });

/** Longest list that is remembered, characters: the memory stays below 1 MiB whatever is sent. */
const REMEMBERED_LENGTH_MAX = 256;

class TrustedProxies implements ClientAddresses {
  readonly #set: AddressSet;
  readonly #peers = new Map<string, boolean>();
  readonly #answers = new Array<Answer | undefined>(ADDRESS_MEMO_SLOTS).fill(undefined);

  constructor(set: AddressSet) {
    this.#set = set;
  }

  trusts(peer: string): boolean {
    return this.#peers.get(peer) ?? this.#learn(peer);
  }

  resolve(peer: string, xForwardedFor: string, forwarded: string): string {
    const isForwarded = xForwardedFor === '';
    const list = isForwarded ? forwarded : xForwardedFor;
    if (list === '' || !this.trusts(peer)) return peer;
    if (list.length > REMEMBERED_LENGTH_MAX) return this.#walk(peer, list, isForwarded);
    const slot = slotOf(list);
    const known = this.#answers[slot];
    if (known !== undefined && known.list === list && known.peer === peer && known.isForwarded === isForwarded) {
      return known.client;
    }
    const client = this.#walk(peer, list, isForwarded);
    this.#answers[slot] = { peer, list, isForwarded, client };
    return client;
  }

  #learn(peer: string): boolean {
    const trusted = hasAddress(this.#set, peer);
    if (this.#peers.size >= ADDRESS_MEMO_SLOTS) this.#peers.clear();
    this.#peers.set(peer, trusted);
    return trusted;
  }

  #walk(peer: string, list: string, isForwarded: boolean): string {
    let client: AddressWords | null = null;
    let end = list.length;
    for (let hop = 0; hop < FORWARDED_HOPS_MAX && end >= 0; hop += 1) {
      const start = isForwarded ? elementStart(list, end) : lastComma(list, end) + 1;
      if (start === -1) break;
      const entry = list.slice(start, end);
      const words = parseNode(isForwarded ? parameterOf(entry, 'for') : entry.trim());
      if (words === null) break;
      client = words;
      if (!this.#set.has(words)) break;
      end = start - 1;
    }
    return client === null ? peer : formatAddress(client);
  }
}

interface Answer {
  readonly peer: string;
  readonly list: string;
  readonly isForwarded: boolean;
  readonly client: string;
}

function lastComma(list: string, end: number): number {
  // A negative position would be read as 0, and find a comma there that lies behind `end`.
  return end === 0 ? -1 : list.lastIndexOf(',', end - 1);
}

/** A collision costs a second walk, no more, so nothing is gained by aiming at one. */
function slotOf(list: string): number {
  const last = list.length - 1;
  const near = list.charCodeAt(last) + 31 * list.charCodeAt(last >> 1);
  const far = list.charCodeAt((last * 3) >> 2) + 31 * list.charCodeAt(last > 0 ? last - 1 : 0);
  return (near + 961 * far + 7 * last) & (ADDRESS_MEMO_SLOTS - 1);
}

/** `a.b.c.d`, `a.b.c.d:port`, `v6`, `[v6]`, `[v6]:port`; the port as RFC 7239 6 allows it. */
function parseNode(node: string): AddressWords | null {
  if (node.startsWith('[')) {
    const close = node.indexOf(']');
    if (close === -1 || !isPortSuffix(node, close + 1)) return null;
    const inner = node.slice(1, close);
    return inner.includes(':') ? parseAddress(inner) : null;
  }
  const colon = node.indexOf(':');
  // One colon is a port after IPv4; more are IPv6.
  if (colon === -1 || node.indexOf(':', colon + 1) !== -1) return parseAddress(node);
  return isPortSuffix(node, colon) ? parseAddress(node.slice(0, colon)) : null;
}

const PORT_SUFFIX = /^:(?:[0-9]{1,5}|_[A-Za-z0-9._-]{1,64})$/;

function isPortSuffix(node: string, from: number): boolean {
  return from === node.length || PORT_SUFFIX.test(node.slice(from));
}

const textWords = new Uint32Array(ADDRESS_MEMO_SLOTS * 4);
const texts = new Array<string>(ADDRESS_MEMO_SLOTS).fill('');

/**
 * Text of a peer's address, remembered by value: formatting costs 0.2-1 us, and peers come again.
 *
 * @param bytes  4 or 16 bytes in network order, read before this returns.
 * @returns Canonical text (RFC 5952), IPv4-mapped IPv6 as IPv4; '' for any other number of bytes.
 *
 * Threads: any; the memory is each thread's own.
 */
export function addressText(bytes: Uint8Array): string {
  const isShort = bytes.length === 4;
  if (!isShort && bytes.length !== 16) return '';
  const w0 = isShort ? 0 : wordAt(bytes, 0);
  const w1 = isShort ? 0 : wordAt(bytes, 4);
  const w2 = isShort ? 0xffff : wordAt(bytes, 8);
  const w3 = wordAt(bytes, isShort ? 0 : 12);
  const mixed = Math.imul(w0 ^ Math.imul(w1, 0x85ebca6b) ^ Math.imul(w2, 0xc2b2ae35) ^ w3, 0x9e3779b1);
  const slot = (mixed >>> 16) & (ADDRESS_MEMO_SLOTS - 1);
  const at = slot * 4;
  if (
    textWords[at + 3] === w3 &&
    textWords[at + 2] === w2 &&
    textWords[at + 1] === w1 &&
    textWords[at] === w0 &&
    texts[slot] !== ''
  ) {
    return texts[slot] as string;
  }
  const text = formatAddress([w0, w1, w2, w3]);
  textWords[at] = w0;
  textWords[at + 1] = w1;
  textWords[at + 2] = w2;
  textWords[at + 3] = w3;
  texts[slot] = text;
  return text;
}

function wordAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return ((high << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
}

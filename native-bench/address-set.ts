import { BlockList, SocketAddress } from 'node:net';
import { compileAddressSet } from '../src/base/address-set.ts';
import { type AddressRange, type AddressWords, formatAddress, isMapped } from '../src/base/ip-address.ts';

// Nanoseconds per look-up in sets of 10, 1,000 and 50,000 ranges: half of them IPv4 (/16 to /32), half IPv6 (/32 to
// /64, under few /16 as registries give them out); "crowded" has them all within one /8 and one /32. Every other
// question is a hit. The rival is node:net's BlockList, which is asked a few times only: it compares one by one. The
// count of hits proves that questions were answered.
//
//   node dist/native-bench/address-set.js

const QUESTIONS = 8_192;
/** The best of many short runs: on a shared machine the others measure the neighbours. */
const ATTEMPTS = 20;
const ROUNDS = 20;
const REGISTRY_WORDS = [0x2001, 0x2400, 0x2604, 0x2804, 0x2a00, 0x2a02, 0x2a0c, 0x2c0f];

let state = 12_345;
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}

function rangeOf(i: number, crowded: boolean): AddressRange {
  if (i % 2 === 0) {
    const bits = 16 + (random() % 17);
    const word = crowded ? 0x0a000000 | (random() & 0xffffff) : random();
    return { words: [0, 0, 0xffff, (word & ~(2 ** (32 - bits) - 1)) >>> 0], prefix: 96 + bits };
  }
  if (crowded) return { words: [0x20010db8, random(), 0, 0], prefix: 64 };
  const head = ((REGISTRY_WORDS[random() % REGISTRY_WORDS.length] as number) << 16) | (random() & 0xffff);
  const bits = random() % 33;
  const next = bits === 0 ? 0 : (random() & ~(2 ** (32 - bits) - 1)) >>> 0;
  return { words: [head >>> 0, next, 0, 0], prefix: 32 + bits };
}

function inside({ words, prefix }: AddressRange): AddressWords {
  const free = (i: number) => (prefix >= 32 * (i + 1) ? 0 : random() & (2 ** Math.min(32, 32 * (i + 1) - prefix) - 1));
  return words.map((word, i) => (word | free(i)) >>> 0) as unknown as AddressWords;
}

function questionsFor(ranges: readonly AddressRange[], crowded: boolean): AddressWords[] {
  return Array.from({ length: QUESTIONS }, (_, n) =>
    inside(n % 2 === 0 ? (ranges[random() % ranges.length] as AddressRange) : rangeOf(random(), crowded)),
  );
}

function measure(count: number, crowded: boolean): void {
  const ranges = Array.from({ length: count }, (_, i) => rangeOf(i, crowded));
  const questions = questionsFor(ranges, crowded);
  const buildStart = performance.now();
  const set = compileAddressSet(ranges);
  const buildMs = performance.now() - buildStart;
  let bestNs = Number.POSITIVE_INFINITY;
  let hits = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    hits = 0;
    const start = process.hrtime.bigint();
    for (let n = 0; n < ROUNDS * QUESTIONS; n += 1) {
      if (set.has(questions[n & (QUESTIONS - 1)] as AddressWords)) hits += 1;
    }
    bestNs = Math.min(bestNs, Number(process.hrtime.bigint() - start) / (ROUNDS * QUESTIONS));
  }
  hits /= ROUNDS;
  const rivalHits = count > 1_000 ? hits : rival(ranges, questions);
  const line = [
    (crowded ? 'crowded' : 'spread').padEnd(7),
    String(count).padStart(6),
    String(set.spans).padStart(6),
    buildMs.toFixed(1).padStart(7),
    bestNs.toFixed(1).padStart(6),
    (count > 1_000 ? '-' : rivalNs.toFixed(0)).padStart(9),
    `${hits} hits`,
    hits === rivalHits && hits >= QUESTIONS / 2 ? 'ok' : 'WRONG',
  ];
  console.log(line.join('  '));
  if (line.at(-1) !== 'ok') process.exitCode = 1;
}

let rivalNs = 0;

function rival(ranges: readonly AddressRange[], questions: readonly AddressWords[]): number {
  const list = new BlockList();
  for (const { words, prefix } of ranges) {
    if (isMapped(words)) list.addSubnet(formatAddress(words), prefix - 96, 'ipv4');
    else list.addSubnet(formatAddress(words), prefix, 'ipv6');
  }
  const addresses = questions.map(
    (words) => new SocketAddress({ address: formatAddress(words), family: isMapped(words) ? 'ipv4' : 'ipv6' }),
  );
  let hits = 0;
  const start = process.hrtime.bigint();
  for (const address of addresses) if (list.check(address)) hits += 1;
  rivalNs = Number(process.hrtime.bigint() - start) / addresses.length;
  return hits;
}

console.log('ranges   count   spans  build ms  ns/has  BlockList ns  hits');
for (const crowded of [false, true]) for (const count of [10, 1_000, 50_000]) measure(count, crowded);

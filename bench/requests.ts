import type { CannonRequest } from './autocannon.ts';

/** What the upstream answers to everything but a download: 90 bytes. */
export const ANSWER = '{"id":"7c1f0a52","name":"portcullis","price":1295,"stock":17,"tags":["iron","gate","oak"]}';
export const TRANSFER_BYTES = 1_048_576;
export const DOWNLOAD_PATH = '/download';

const VARIETY = 400;
/** Each connection sends its own copy of a body: few are enough to vary the heads. */
const UPLOAD_VARIETY = 4;

const USER_AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
];
const LANGUAGES = [
  'en-GB,en;q=0.8',
  'de-DE,de;q=0.9,en;q=0.6',
  'fr-FR,fr;q=0.9,en-US;q=0.5',
  'pt-BR,pt;q=0.7,en;q=0.3',
];
const WORDS = ['lantern', 'rope', 'portcullis', 'moat', 'drawbridge', 'watchtower', 'banner', 'gate', 'ladder', 'bell'];
const SORTS = ['price', 'name', '-created', '-stock'];

export type Load = 'browse' | 'download' | 'upload';

/**
 * The requests of one load: hundreds of distinct targets under the header fields of a browser, the same in every run.
 *
 * @returns  GETs for `browse` and `download`, POSTs with a body of TRANSFER_BYTES for `upload`.
 */
export function requestsOf(load: Load): readonly CannonRequest[] {
  const random = generator(0x5a11);
  if (load === 'browse')
    return list(VARIETY, () => ({ method: 'GET', path: target(random), headers: browser(random) }));
  if (load === 'download') {
    return list(VARIETY, (n) => ({ method: 'GET', path: `${DOWNLOAD_PATH}?part=${n}`, headers: browser(random) }));
  }
  const body = Buffer.alloc(TRANSFER_BYTES, 'stone upon stone, gate behind gate; ');
  return list(UPLOAD_VARIETY, (n) => ({
    method: 'POST',
    path: `/upload/${n}`,
    headers: { ...browser(random), 'Content-Type': 'application/octet-stream' },
    body,
  }));
}

function target(random: Random): string {
  const id = random(1_000_000);
  const paths = [
    `/api/v1/orders/${id}?expand=items,customer&page=${random(40)}`,
    `/api/v1/items/${pick(WORDS, random)}-${id}?sort=${pick(SORTS, random)}&limit=${10 + random(90)}`,
    `/api/v1/users/${id}/addresses/${random(9)}?fields=street,city`,
    `/search?q=${pick(WORDS, random)}+${pick(WORDS, random)}&from=${random(500)}&lang=en&session=${hex(random)}`,
    `/assets/${hex(random)}/${pick(WORDS, random)}.json?v=${random(1_000)}`,
  ];
  return pick(paths, random);
}

function browser(random: Random): Readonly<Record<string, string>> {
  return {
    'User-Agent': pick(USER_AGENTS, random),
    Accept: 'application/json, text/plain, */*',
    'Accept-Language': pick(LANGUAGES, random),
    'Accept-Encoding': 'gzip, deflate, br',
    Referer: `https://shop.example/${pick(WORDS, random)}/${random(10_000)}`,
    Cookie: `session=${hex(random)}${hex(random)}; theme=${pick(['dark', 'light'], random)}; seen=${random(100_000)}`,
    'Sec-Fetch-Dest': 'empty',
    'Sec-Fetch-Mode': 'cors',
    'Sec-Fetch-Site': 'same-origin',
  };
}

/** Whole numbers from 0 to below `bound`. */
type Random = (bound: number) => number;

/** Numerical Recipes' linear congruential generator: the upper bits are good enough to pick words with. */
function generator(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

function hex(random: Random): string {
  return random(2 ** 32)
    .toString(16)
    .padStart(8, '0');
}

function pick<T>(from: readonly T[], random: Random): T {
  const one = from[random(from.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

function list<T>(length: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length }, (_, index) => make(index));
}

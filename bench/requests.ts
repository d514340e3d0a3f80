import type { CannonRequest } from './autocannon.ts';
import { browser, WORDS } from './browser.ts';
import { type CrsLoad, crsRequest, isCrsLoad } from './crs-requests.ts';
import { generator, hex, list, pick, type Random } from './random.ts';

/** What the upstream answers to everything but a download: 90 bytes. */
export const ANSWER = '{"id":"7c1f0a52","name":"portcullis","price":1295,"stock":17,"tags":["iron","gate","oak"]}';
export const TRANSFER_BYTES = 1_048_576;
export const DOWNLOAD_PATH = '/download';

const VARIETY = 400;
/** Each connection sends its own copy of a body: few are enough to vary the heads. */
const UPLOAD_VARIETY = 4;
const SEED = 0x5a11;
const SORTS = ['price', 'name', '-created', '-stock'];

export type Load = 'browse' | 'download' | 'upload' | CrsLoad;

export interface LoadRequest extends CannonRequest {
  /** To be answered with 403; all others with 200 and the upstream's body. */
  readonly isAttack: boolean;
}

export interface Demand {
  readonly load: Load;
  /** Requests in one run. */
  readonly requests: number;
  /** Another number gives other values; the same ones for the same number. Loads without a firewall do not care. */
  readonly seed: number;
}

/**
 * The requests of one run: distinct targets under the header fields of a browser, the same in every run.
 *
 * @returns  400 GETs for `browse` and `download`, POSTs with a body of TRANSFER_BYTES for `upload`; for the firewall's
 *           loads as many as are sent, of which no two are alike.
 */
export function requestsOf({ load, requests, seed }: Demand): readonly LoadRequest[] {
  const random = generator(isCrsLoad(load) ? SEED + seed : SEED);
  if (isCrsLoad(load)) return list(requests, (index) => crsRequest(load, index, random));
  const isAttack = false;
  if (load === 'browse')
    return list(VARIETY, () => ({ method: 'GET', path: target(random), headers: browser(random), isAttack }));
  if (load === 'download') {
    const path = (n: number) => `${DOWNLOAD_PATH}?part=${n}`;
    return list(VARIETY, (n) => ({ method: 'GET', path: path(n), headers: browser(random), isAttack }));
  }
  const body = Buffer.alloc(TRANSFER_BYTES, 'stone upon stone, gate behind gate; ');
  return list(UPLOAD_VARIETY, (n) => ({
    method: 'POST',
    path: `/upload/${n}`,
    headers: { ...browser(random), 'Content-Type': 'application/octet-stream' },
    body,
    isAttack,
  }));
}

/** Does anything of this load have a body? */
export function hasBodies(load: Load): boolean {
  return load === 'upload' || (isCrsLoad(load) && load !== 'crs-get');
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

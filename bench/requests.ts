import type { CannonRequest } from './autocannon.ts';
import { browser, WORDS } from './browser.ts';
import { type Credentials, KEY_HEADER, tokenOf } from './credentials.ts';
import { type CrsLoad, crsRequest, isCrsLoad, jsonOrder } from './crs-requests.ts';
import { routePath } from './duties.ts';
import { generator, hex, list, pick, type Random } from './random.ts';

/** What the upstream answers to everything but a download: 90 bytes. */
export const ANSWER = '{"id":"7c1f0a52","name":"portcullis","price":1295,"stock":17,"tags":["iron","gate","oak"]}';
export const TRANSFER_BYTES = 1_048_576;
export const LONG_TRANSFER_BYTES = 104_857_600;
/** Answered with TRANSFER_BYTES and LONG_TRANSFER_BYTES. */
export const DOWNLOAD_PATH = '/download';
export const LONG_DOWNLOAD_PATH = '/long-download';

const VARIETY = 400;
/** Each connection sends its own copy of a body: few are enough to vary the heads. */
const UPLOAD_VARIETY = 4;
const SEED = 0x5a11;
const SORTS = ['price', 'name', '-created', '-stock'];

export type Load =
  | 'browse'
  | 'routes'
  | 'download'
  | 'upload'
  | 'stream'
  | 'stream-100m'
  | 'json-1k'
  | 'json-10k'
  | CrsLoad;

/** One of the tokens or keys of the callers; a token that was never seen. */
export type Auth = 'none' | 'token' | 'fresh-token' | 'api-key';

export interface LoadRequest extends CannonRequest {
  /** To be answered with 403; all others with 200 and the upstream's body. */
  readonly isAttack: boolean;
}

export interface Demand {
  readonly load: Load;
  /** Without it, none. */
  readonly auth?: Auth;
  /** For requests that carry any. */
  readonly credentials?: Credentials | null;
  /** Load `routes`: how many there are; without it, one. */
  readonly routes?: number;
  /** Requests in one run. */
  readonly requests: number;
  /** Another number gives other values; the same ones for the same number. Loads without a firewall do not care. */
  readonly seed: number;
}

/** Each request is sent once, by one connection; of other loads all connections send all, again and again. */
export function isSentOnce({ load, auth }: Demand): boolean {
  return isCrsLoad(load) || auth === 'fresh-token';
}

/**
 * The requests of one run: distinct targets under the header fields of a browser, the same in every run.
 *
 * @returns  As many as are sent, of which no two are alike, where each is sent once; otherwise 400, and of those with
 *           bodies of TRANSFER_BYTES and more 4.
 */
export function requestsOf(demand: Demand): readonly LoadRequest[] {
  const random = generator(isCrsLoad(demand.load) ? SEED + demand.seed : SEED);
  const requests = bareRequests(demand, random);
  const { auth = 'none', credentials = null } = demand;
  if (auth === 'none') return requests;
  if (credentials === null) throw new Error(`requests with ${auth} need credentials`);
  const fields = () => credential(auth, credentials, random);
  return requests.map((request) => ({ ...request, headers: { ...request.headers, ...fields() } }));
}

function credential(auth: Auth, { tokens, apiKeys, signingKey }: Credentials, random: Random): Record<string, string> {
  if (auth === 'api-key') return { [KEY_HEADER]: pick(apiKeys, random) };
  const token = auth === 'token' ? pick(tokens, random) : tokenOf(signingKey, `caller-${random(1_000_000)}`);
  return { Authorization: `Bearer ${token}` };
}

function bareRequests(demand: Demand, random: Random): readonly LoadRequest[] {
  const { load, requests, routes = 1 } = demand;
  if (isCrsLoad(load)) return list(requests, (index) => crsRequest(load, index, random));
  const get = (path: string): LoadRequest => ({ method: 'GET', path, headers: browser(random), isAttack: false });
  switch (load) {
    case 'browse':
      return list(isSentOnce(demand) ? requests : VARIETY, () => get(target(random)));
    case 'routes':
      return list(Math.max(VARIETY, routes), (n) => get(routePath(n % routes) + target(random)));
    case 'download':
      return list(VARIETY, (n) => get(`${DOWNLOAD_PATH}?part=${n}`));
    case 'json-1k':
    case 'json-10k':
      return list(VARIETY, () => jsonPost(load === 'json-1k' ? 1_000 : 10_000, random));
    default:
      return transfers(load, random);
  }
}

function transfers(load: 'upload' | 'stream' | 'stream-100m', random: Random): readonly LoadRequest[] {
  const isLong = load === 'stream-100m';
  const body = Buffer.alloc(isLong ? LONG_TRANSFER_BYTES : TRANSFER_BYTES, 'stone upon stone, gate behind gate; ');
  const path = load === 'upload' ? '/upload' : isLong ? LONG_DOWNLOAD_PATH : DOWNLOAD_PATH;
  return list(isLong ? 1 : UPLOAD_VARIETY, (n) => ({
    method: 'POST',
    path: `${path}?part=${n}`,
    headers: { ...browser(random), 'Content-Type': 'application/octet-stream' },
    body,
    isAttack: false,
  }));
}

function jsonPost(bytes: number, random: Random): LoadRequest {
  return {
    method: 'POST',
    path: `/api/v1/orders/${random(1_000_000)}`,
    headers: { ...browser(random), 'Content-Type': 'application/json' },
    body: Buffer.from(jsonOrder(bytes, null, random)),
    isAttack: false,
  };
}

/** Does anything of this load have a body? */
export function hasBodies(load: Load): boolean {
  return !['browse', 'routes', 'download', 'crs-get', 'attack-mix', 'everything'].includes(load);
}

/** Of each answer to a request that is no attack. */
export function answerBytes(load: Load): number {
  if (load === 'stream-100m') return LONG_TRANSFER_BYTES;
  return load === 'download' || load === 'stream' ? TRANSFER_BYTES : ANSWER.length;
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

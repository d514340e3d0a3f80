import type { Duties } from './duties.ts';
import type { Auth, Load } from './requests.ts';

export const PEER_NAMES = ['nginx', 'haproxy', 'caddy', 'modsecurity', 'fastify', 'sallyport'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface Case {
  readonly name: CaseName;
  readonly what: string;
  readonly load: Load;
  /** What the requests carry. */
  readonly auth: Auth;
  readonly duties: Duties;
  /** Who takes part. */
  readonly peers: readonly PeerName[];
  /** Whom ratios are to. It takes part although it may lack duties. */
  readonly baseline: PeerName;
  /** A second Sallyport with no duties runs beside the first, and tells what they add. */
  readonly adds: boolean;
  readonly tls: boolean;
  /** A new connection for every request. */
  readonly fresh: boolean;
  readonly connections: number;
  /** Further connections, idle while the others work. */
  readonly idle: number;
  /** Routes to the one upstream. */
  readonly routes: number;
  readonly threads: 'one' | 'all';
  /** Latencies at half load are measured as well. */
  readonly openLoop: boolean;
  /** Requests in one round, and in a round of `--quick`. */
  readonly requests: number;
  readonly requestsQuick: number;
  /** Requests before the first round; with `--quick` or `--requests`, half a round. */
  readonly warmUp: number;
}

export const CASE_NAMES = [
  'plain',
  'duties',
  'access-log',
  'limiter',
  'jwt',
  'jwt-cold',
  'api-key',
  'baseline',
  'everything',
  'node-stack',
  'download',
  'upload',
  'stream',
  'stream-100m',
  'json-1k',
  'json-10k',
  'tls',
  'handshakes',
  'routes-100',
  'routes-1000',
  'idle-10k',
  'plain-threads',
  'crs-get',
  'crs-form',
  'crs-json-1k',
  'crs-json-10k',
  'attack-mix',
] as const;
export type CaseName = (typeof CASE_NAMES)[number];
/** What runs when nothing is named. */
export const USUAL_CASES: readonly CaseName[] = ['plain', 'duties'];

type Rest = Omit<Case, 'name' | 'what'>;

const BROWSE: Rest = {
  load: 'browse',
  auth: 'none',
  duties: [],
  peers: ['nginx', 'haproxy', 'caddy', 'sallyport'],
  baseline: 'nginx',
  adds: false,
  tls: false,
  fresh: false,
  connections: 32,
  idle: 0,
  routes: 1,
  threads: 'one',
  openLoop: false,
  requests: 60_000,
  requestsQuick: 1_500,
  warmUp: 30_000,
};
/** A duty, told apart from the rest by a second Sallyport. */
const DUTY: Rest = { ...BROWSE, adds: true, peers: ['nginx', 'haproxy', 'sallyport'] };
const TRANSFER: Rest = { ...BROWSE, connections: 8, requests: 1_000, requestsQuick: 60, warmUp: 500 };
const ROUTES: Rest = { ...BROWSE, load: 'routes', duties: ['routes'], peers: ['nginx', 'haproxy', 'sallyport'] };
/** Warmed until compilers have settled: a rule set is much code. */
const INSPECT: Rest = {
  ...BROWSE,
  duties: ['rules'],
  peers: ['modsecurity', 'sallyport'],
  baseline: 'modsecurity',
  requests: 3_000,
  requestsQuick: 200,
  warmUp: 5_000,
};

const ROWS: Readonly<Record<CaseName, Rest & { readonly what: string }>> = {
  plain: { ...BROWSE, openLoop: true, what: 'varied GETs, keep-alive, no log' },
  duties: {
    ...DUTY,
    peers: BROWSE.peers,
    duties: ['forwarded', 'access-log'],
    what: 'the same with JSON access log, request id, forwarded fields',
  },
  'access-log': { ...DUTY, peers: BROWSE.peers, duties: ['access-log'], what: 'the same with a JSON access log' },
  limiter: { ...DUTY, duties: ['limiter'], what: 'the same, counted by the client’s address' },
  jwt: { ...DUTY, duties: ['jwt'], auth: 'token', what: 'the same with one of 100 tokens (ES256), verified' },
  'jwt-cold': {
    ...DUTY,
    duties: ['jwt'],
    auth: 'fresh-token',
    requests: 20_000,
    requestsQuick: 600,
    warmUp: 10_000,
    what: 'the same with a new token each',
  },
  'api-key': { ...DUTY, duties: ['api-key'], auth: 'api-key', what: 'the same with one of 100 API keys' },
  baseline: {
    ...DUTY,
    peers: ['nginx', 'sallyport'],
    duties: ['baseline'],
    requests: 20_000,
    warmUp: 10_000,
    what: 'the same, inspected by Sallyport’s own rules',
  },
  everything: {
    ...INSPECT,
    load: 'everything',
    auth: 'token',
    duties: ['jwt', 'limiter', 'rules', 'access-log', 'forwarded', 'metrics'],
    what: 'a browser’s GETs: token, limit, Core Rule Set, access log, metrics',
  },
  'node-stack': {
    ...BROWSE,
    auth: 'token',
    duties: ['jwt', 'limiter'],
    peers: ['haproxy', 'fastify', 'sallyport'],
    baseline: 'fastify',
    requests: 20_000,
    warmUp: 10_000,
    what: 'varied GETs with a token, verified and counted by address',
  },
  download: { ...TRANSFER, load: 'download', what: 'GETs answered with 1 MiB, keep-alive, no log' },
  upload: { ...TRANSFER, load: 'upload', what: 'POSTs of 1 MiB, keep-alive, no log' },
  stream: { ...TRANSFER, load: 'stream', requests: 600, warmUp: 300, what: 'POSTs of 1 MiB answered with 1 MiB' },
  'stream-100m': {
    ...TRANSFER,
    load: 'stream-100m',
    connections: 2,
    requests: 12,
    requestsQuick: 2,
    warmUp: 4,
    what: 'POSTs of 100 MiB answered with 100 MiB',
  },
  'json-1k': { ...BROWSE, load: 'json-1k', requests: 30_000, warmUp: 15_000, what: 'POSTs of 1 kB of JSON, no rules' },
  'json-10k': {
    ...BROWSE,
    load: 'json-10k',
    requests: 20_000,
    warmUp: 10_000,
    what: 'POSTs of 10 kB of JSON, no rules',
  },
  tls: { ...BROWSE, tls: true, requests: 40_000, warmUp: 20_000, what: 'varied GETs over TLS 1.3, keep-alive, no log' },
  handshakes: {
    ...BROWSE,
    tls: true,
    fresh: true,
    requests: 4_000,
    requestsQuick: 200,
    warmUp: 2_000,
    what: 'a GET on a new TLS 1.3 connection each, full handshakes, no log',
  },
  'routes-100': { ...ROUTES, routes: 100, what: 'varied GETs to 100 routes' },
  'routes-1000': { ...ROUTES, routes: 1_000, what: 'varied GETs to 1,000 routes' },
  'idle-10k': {
    ...BROWSE,
    idle: 10_000,
    // Few enough to be over before a proxy closes connections for being idle.
    requests: 40_000,
    what: 'as plain, beside 10,000 idle connections',
  },
  'plain-threads': { ...BROWSE, threads: 'all', connections: 64, what: 'as plain, with a thread per core' },
  'crs-get': { ...INSPECT, load: 'crs-get', what: 'a Core Rule Set over GETs of a browser' },
  'crs-form': {
    ...INSPECT,
    load: 'crs-form',
    requests: 2_000,
    requestsQuick: 120,
    warmUp: 3_000,
    what: 'a Core Rule Set over forms of eight fields',
  },
  'crs-json-1k': {
    ...INSPECT,
    load: 'crs-json-1k',
    requests: 800,
    requestsQuick: 64,
    warmUp: 1_500,
    what: 'a Core Rule Set over JSON of 1 kB',
  },
  'crs-json-10k': {
    ...INSPECT,
    load: 'crs-json-10k',
    requests: 160,
    requestsQuick: 16,
    warmUp: 300,
    what: 'a Core Rule Set over JSON of 10 kB',
  },
  'attack-mix': { ...INSPECT, load: 'attack-mix', what: 'a Core Rule Set over GETs, one in ten an attack' },
};

export const CASES = Object.fromEntries(CASE_NAMES.map((name) => [name, { name, ...ROWS[name] }])) as Readonly<
  Record<CaseName, Case>
>;

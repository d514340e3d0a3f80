import type { Load } from './requests.ts';

export interface Case {
  readonly name: CaseName;
  readonly what: string;
  readonly load: Load;
  readonly duties: boolean;
  readonly tls: boolean;
  /** A rule set inspects every request: `--crs`. */
  readonly firewall: boolean;
  /** A new connection for every request. */
  readonly fresh: boolean;
  readonly connections: number;
  /** Requests in one round, and in a round of `--quick`. */
  readonly requests: number;
  readonly requestsQuick: number;
}

export const CASE_NAMES = [
  'plain',
  'duties',
  'download',
  'upload',
  'tls',
  'handshakes',
  'crs-get',
  'crs-form',
  'crs-json-1k',
  'crs-json-10k',
] as const;
export type CaseName = (typeof CASE_NAMES)[number];
/** What runs when nothing is named. */
export const USUAL_CASES: readonly CaseName[] = ['plain', 'duties'];

const BROWSE = {
  load: 'browse',
  duties: false,
  tls: false,
  firewall: false,
  fresh: false,
  connections: 32,
  requests: 60_000,
  requestsQuick: 10_000,
} as const;
const TRANSFER = { ...BROWSE, connections: 8, requests: 1_000, requestsQuick: 200 };
const INSPECT = { ...BROWSE, firewall: true, connections: 8 };

export const CASES: Readonly<Record<CaseName, Case>> = {
  plain: { ...BROWSE, name: 'plain', what: 'varied GETs, keep-alive, no log' },
  duties: {
    ...BROWSE,
    name: 'duties',
    duties: true,
    what: 'the same with JSON access log, request id, forwarded fields',
  },
  download: { ...TRANSFER, name: 'download', load: 'download', what: 'GETs answered with 1 MiB, keep-alive, no log' },
  upload: { ...TRANSFER, name: 'upload', load: 'upload', what: 'POSTs of 1 MiB, keep-alive, no log' },
  tls: { ...BROWSE, name: 'tls', tls: true, requests: 40_000, what: 'varied GETs over TLS 1.3, keep-alive, no log' },
  handshakes: {
    ...BROWSE,
    name: 'handshakes',
    tls: true,
    fresh: true,
    requests: 4_000,
    requestsQuick: 800,
    what: 'a GET on a new TLS 1.3 connection each, full handshakes, no log',
  },
  'crs-get': {
    ...INSPECT,
    name: 'crs-get',
    load: 'crs-get',
    requests: 3_000,
    requestsQuick: 800,
    what: 'a Core Rule Set over GETs of a browser',
  },
  'crs-form': {
    ...INSPECT,
    name: 'crs-form',
    load: 'crs-form',
    requests: 2_000,
    requestsQuick: 600,
    what: 'a Core Rule Set over forms of eight fields',
  },
  'crs-json-1k': {
    ...INSPECT,
    name: 'crs-json-1k',
    load: 'crs-json-1k',
    requests: 800,
    requestsQuick: 300,
    what: 'a Core Rule Set over JSON of 1 kB',
  },
  'crs-json-10k': {
    ...INSPECT,
    name: 'crs-json-10k',
    load: 'crs-json-10k',
    requests: 160,
    requestsQuick: 80,
    what: 'a Core Rule Set over JSON of 10 kB',
  },
};

import { compileRouter, type Router } from '../src/router/router.ts';
import type { Route } from '../src/transaction.ts';

// Nanoseconds per `find`: 10 and 1,000 routes, varied requests, one process for all cases in turn. The checksum proves
// that each request found the route it was made for.
//
//   node dist/native-bench/router.js

const REQUESTS = 4_096;
/** The best of many short runs: on a shared machine the others measure the neighbours. */
const ATTEMPTS = 40;
const ROUNDS = 40;

interface Shape {
  readonly name: string;
  readonly pattern: (i: number) => string;
  readonly path: (i: number, salt: number) => string;
  readonly host?: (i: number) => string;
}

const SHAPES: readonly Shape[] = [
  { name: 'static', pattern: (i) => `/api/v1/service${i}/items`, path: (i) => `/api/v1/service${i}/items` },
  {
    name: 'parameter',
    pattern: (i) => `/api/v1/service${i}/{id}/items/{item}`,
    path: (i, salt) => `/api/v1/service${i}/${salt}/items/x${salt}`,
  },
  { name: 'prefix', pattern: (i) => `/service${i}/*`, path: (i, salt) => `/service${i}/static/css/site-${salt}.css` },
  {
    name: 'mixed',
    pattern: (i) => [`/s${i}/*`, `/s${i - 1}/users/{id}`, `/s${i - 2}/users/me`][i % 3] as string,
    path: (i, salt) => [`/s${i}/a/b/${salt}`, `/s${i - 1}/users/${salt}`, `/s${i - 2}/users/me`][i % 3] as string,
  },
  {
    name: 'hosts',
    pattern: () => '/api/{version}/users/{id}',
    path: (_, salt) => `/api/v1/users/${salt}`,
    host: (i) => `tenant${i}.example.com`,
  },
  {
    name: 'wildcards',
    pattern: () => '/*',
    path: (_, salt) => `/api/v1/users/${salt}`,
    host: (i) => `*.tenant${i}.example.com`,
  },
];

const METHODS = ['GET', 'POST'];

function routeOf(shape: Shape, index: number): Route {
  const hosts = shape.host === undefined ? [] : [shape.host(index)];
  const words = { name: `r${index}`, hosts, paths: [shape.pattern(index)], methods: [...METHODS] };
  const config = words as unknown as Route['config'];
  return { kind: 'route', index, name: config.name, config, upstream: 0, bodyBytesMax: 0 };
}

interface Request {
  readonly host: string;
  readonly path: string;
  readonly method: string;
}

/** Strings as the front makes them: flat, fresh, without a known hash; hosts are remembered objects. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function requestsFor(shape: Shape, routeCount: number): { requests: Request[]; expected: number } {
  const requests: Request[] = [];
  const hosts = new Map<number, string>();
  let expected = 0;
  let state = 12_345;
  for (let n = 0; n < REQUESTS; n += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const i = (state >>> 8) % routeCount;
    let host = hosts.get(i);
    if (host === undefined) {
      host = (shape.host?.(i) ?? 'api.example.com').replace('*', 'www');
      hosts.set(i, host);
    }
    requests.push({ host, path: flat(shape.path(i, state >>> 20)), method: flat(METHODS[n & 1] as string) });
    expected += i;
  }
  return { requests, expected };
}

function run(router: Router, requests: readonly Request[], finds: number): number {
  let sum = 0;
  for (let n = 0; n < finds; n += 1) {
    const { host, path, method } = requests[n & (REQUESTS - 1)] as Request;
    const found = router.find(host, path, method);
    sum += found.kind === 'route' ? found.index : -1_000_000;
  }
  return sum;
}

function measure(shape: Shape, routeCount: number): void {
  const router = compileRouter(Array.from({ length: routeCount }, (_, i) => routeOf(shape, i)));
  const { requests, expected } = requestsFor(shape, routeCount);
  run(router, requests, 50 * REQUESTS);
  const best = { ns: Number.POSITIVE_INFINITY, sum: 0 };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const start = process.hrtime.bigint();
    best.sum = run(router, requests, ROUNDS * REQUESTS);
    best.ns = Math.min(best.ns, Number(process.hrtime.bigint() - start) / (ROUNDS * REQUESTS));
  }
  const verdict = best.sum === expected * ROUNDS ? 'ok' : 'WRONG';
  const line = [
    shape.name.padEnd(10),
    String(routeCount).padStart(5),
    best.ns.toFixed(1).padStart(7),
    best.sum,
    verdict,
  ];
  console.log(line.join('  '));
  if (verdict !== 'ok') process.exitCode = 1;
}

console.log('shape      routes  ns/find  checksum');
for (const shape of SHAPES) for (const routeCount of [10, 1_000]) measure(shape, routeCount);

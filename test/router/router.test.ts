import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SallyportError } from '../../src/errors.ts';
import { HOSTS_REMEMBERED_MAX } from '../../src/limits.ts';
import { compileRouter, type Router } from '../../src/router/router.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { type RouteWords, routeOf } from './routes.ts';

/** The route's name, 404, or `405 ` and the methods allowed. */
function ask(router: Router, host: string, path: string, method = 'GET'): string {
  const found = router.find(host, path, method);
  if (found.kind === 'route') return found.name;
  return found.kind === 'not-found' ? '404' : `405 ${found.allow}`;
}

const compile = (...routes: RouteWords[]) => compileRouter(routes.map(routeOf));
const named = (...paths: string[]) => compile(...paths.map((path) => ({ name: path, paths: [path] })));

test('the most specific path wins, whatever the order', () => {
  const paths = [
    '/*',
    '/',
    '/a',
    '/a/',
    '/a/*',
    '/a/{id}',
    '/a/{id}/c',
    '/a/b',
    '/a/b/*',
    '/ab',
    '/files/{name}/*',
    '/a/{id}/c/*',
  ];
  const cases: [path: string, route: string][] = [
    ['/', '/'],
    ['/x', '/*'],
    ['/x/y/', '/*'],
    ['/a', '/a'],
    ['/a/', '/a/'],
    ['/ab', '/ab'],
    ['/abc', '/*'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/*'],
    ['/a/b/c', '/a/b/*'],
    ['/a/x', '/a/{id}'],
    ['/a/bx', '/a/{id}'],
    ['/a/x/', '/a/*'],
    ['/a/x/c', '/a/{id}/c'],
    ['/a/x/c/', '/a/{id}/c/*'],
    ['/a/x/d', '/a/*'],
    ['/a/x/cd', '/a/*'],
    ['/files', '/*'],
    ['/files/', '/*'],
    ['/files/x', '/files/{name}/*'],
    ['/files/x/', '/files/{name}/*'],
    ['/files/x/y/z', '/files/{name}/*'],
    ['/A', '/*'],
  ];
  for (const router of [named(...paths), named(...paths.toReversed())]) {
    for (const [path, route] of cases) assert.equal(ask(router, 'h', path), route, path);
  }
});

test('a prefix is itself, its slash and all below, never a longer name', () => {
  const router = named('/a/*');
  for (const path of ['/a', '/a/', '/a/b', '/a/b/c/']) assert.equal(ask(router, 'h', path), '/a/*', path);
  for (const path of ['/', '/ab', '/aa/', '/b']) assert.equal(ask(router, 'h', path), '404', path);
});

test('a branch that ends in nothing gives way to the next', () => {
  const router = named('/a/b/c/d', '/a/{x}/c/e', '/{y}/b/c/f', '/a/b/{z}/g', '/{y}/*');
  assert.equal(ask(router, 'h', '/a/b/c/d'), '/a/b/c/d');
  assert.equal(ask(router, 'h', '/a/b/c/e'), '/a/{x}/c/e');
  assert.equal(ask(router, 'h', '/a/b/c/f'), '/{y}/b/c/f');
  assert.equal(ask(router, 'h', '/a/b/c/g'), '/a/b/{z}/g');
  assert.equal(ask(router, 'h', '/a/b/c/h'), '/{y}/*');
  assert.equal(ask(router, 'h', '/'), '404');
});

test('a parameter is one segment, never an empty one', () => {
  const router = named('/a/{id}', '/b/{id}/c');
  assert.equal(ask(router, 'h', '/a/'), '404');
  assert.equal(ask(router, 'h', '/a'), '404');
  assert.equal(ask(router, 'h', '/a/x%2Fy'), '/a/{id}');
  assert.equal(ask(router, 'h', '/a/x/'), '404');
  for (const path of ['/b//c', '/a//', '/a//x']) assert.equal(ask(router, 'h', path), '404', path);
});

test('hosts: exact, then the longest wildcard, then any; the first decides alone', () => {
  const router = compile(
    { name: 'any', paths: ['/*'] },
    { name: 'exact', paths: ['/only/*'], hosts: ['api.example.com', '[2001:DB8:0::1]'] },
    { name: 'wild', paths: ['/*'], hosts: ['*.example.com'] },
    { name: 'deep', paths: ['/*'], hosts: ['*.eu.Example.com'] },
  );
  assert.equal(ask(router, 'other.test', '/x'), 'any');
  assert.equal(ask(router, 'api.example.com', '/only/x'), 'exact');
  assert.equal(ask(router, 'api.example.com', '/x'), '404');
  assert.equal(ask(router, '[2001:db8::1]', '/only'), 'exact');
  assert.equal(ask(router, 'www.example.com', '/x'), 'wild');
  assert.equal(ask(router, 'a.b.example.com', '/x'), 'wild');
  assert.equal(ask(router, 'a.eu.example.com', '/x'), 'deep');
  assert.equal(ask(router, 'eu.example.com', '/x'), 'wild');
  assert.equal(ask(router, 'example.com', '/x'), 'any');
  assert.equal(ask(router, 'badexample.com', '/x'), 'any');
  const closed = compile({ name: 'exact', paths: ['/*'], hosts: ['a.test'] });
  assert.equal(ask(closed, 'b.test', '/'), '404');
});

test('a flood of made-up hosts changes no answer', () => {
  const router = compile(
    { name: 'exact', paths: ['/*'], hosts: ['a.test'] },
    { name: 'wild', paths: ['/*'], hosts: ['*.w.test'] },
  );
  for (let i = 0; i < 2 * HOSTS_REMEMBERED_MAX + 10; i += 1) {
    assert.equal(ask(router, `h${i}.w.test`, '/'), 'wild');
    assert.equal(ask(router, `h${i}.test`, '/'), '404');
    assert.equal(ask(router, 'a.test', '/'), 'exact');
  }
});

test('methods: named ones, GET with HEAD, else all but CONNECT and TRACE; 405 names what would do', () => {
  const router = compile(
    { name: 'read', paths: ['/a', '/a/{id}'], methods: ['GET'] },
    { name: 'write', paths: ['/a'], methods: ['POST', 'PUT'] },
    { name: 'head', paths: ['/h'], methods: ['HEAD'] },
    { name: 'get', paths: ['/h'], methods: ['GET'] },
    { name: 'odd', paths: ['/odd'], methods: ['PURGE'] },
    { name: 'rest', paths: ['/odd'] },
    { name: 'all', paths: ['/*'] },
  );
  assert.equal(ask(router, 'h', '/a', 'GET'), 'read');
  assert.equal(ask(router, 'h', '/a', 'HEAD'), 'read');
  assert.equal(ask(router, 'h', '/a', 'PUT'), 'write');
  assert.equal(ask(router, 'h', '/a', 'DELETE'), '405 GET, HEAD, POST, PUT');
  assert.equal(ask(router, 'h', '/a', 'get'), '405 GET, HEAD, POST, PUT');
  // A wider route never takes what a narrower one refused.
  assert.equal(ask(router, 'h', '/a/7', 'POST'), '405 GET, HEAD');
  assert.equal(ask(router, 'h', '/h', 'HEAD'), 'head');
  assert.equal(ask(router, 'h', '/h', 'GET'), 'get');
  assert.equal(ask(router, 'h', '/odd', 'PURGE'), 'odd');
  assert.equal(ask(router, 'h', '/odd', 'GET'), 'rest');
  assert.equal(ask(router, 'h', '/x', 'PROPFIND'), 'all');
  assert.equal(ask(router, 'h', '/x', 'CONNECT'), '405 DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT');
  assert.equal(ask(router, 'h', '/odd', 'TRACE'), '405 DELETE, GET, HEAD, OPTIONS, PATCH, POST, PURGE, PUT');
});

test('misses are the same frozen objects each time', () => {
  const router = compile({ name: 'a', paths: ['/a'], methods: ['GET'] });
  assert.equal(router.find('h', '/b', 'GET'), router.find('h', '/c', 'GET'));
  assert.equal(router.find('h', '/a', 'PUT'), router.find('i', '/a', 'POST'));
  assert.ok(Object.isFrozen(router.find('h', '/a', 'PUT')) && Object.isFrozen(router.find('h', '/b', 'GET')));
});

test('two routes for one host, path and method stop the boot', () => {
  const refusal = (message: string, ...routes: RouteWords[]) =>
    assert.throws(
      () => compile(...routes),
      (error: unknown) => error instanceof SallyportError && error.code === 'SP_CONFIG' && error.message === message,
    );
  refusal(
    'routes a and b both take GET /x/{id} on every host; change or remove one',
    { name: 'a', paths: ['/x/{id}'], methods: ['GET'] },
    { name: 'b', paths: ['/y', '/x/{other}'], methods: ['POST', 'GET'] },
  );
  refusal(
    'routes a and b both take every method of /* on h.test; change or remove one',
    { name: 'a', paths: ['/*'], hosts: ['h.test'] },
    { name: 'b', paths: ['/*'], hosts: ['g.test', 'H.Test'] },
  );
  assert.doesNotThrow(() => compile({ name: 'a', paths: ['/{x}', '/{y}', '/{x}'], methods: ['GET', 'GET'] }));
});

test('no routes: nothing is found', () => {
  assert.equal(ask(compile(), 'h', '/'), '404');
});

const hosts = ['a.test', '*.test', '*.a.test', '*.b.a.test', 'b.a.test'];
const segment = fc.constantFrom('a', 'ab', 'abc', 'b', '{p}', '{p}', 'c%20');
const ending = fc.constantFrom('', '', '/', '/*', '/*');
const pattern = fc
  .tuple(fc.array(segment, { maxLength: 4 }), ending)
  .map(([segments, end]) => segments.map((each, i) => `/${each.replace('p', `p${i}`)}`).join('') + end || '/');
const methods = fc.constantFrom([], [], ['GET'], ['POST'], ['GET', 'HEAD'], ['PUT', 'DELETE']);
const routeWords = fc.record({
  paths: fc.array(pattern, { minLength: 1, maxLength: 3 }),
  hosts: fc.subarray(hosts, { maxLength: 2 }),
  methods,
});
const requestPath = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'ab', 'abc', 'abcd', 'b', 'x', 'c%20'), { maxLength: 5 }),
    fc.constantFrom('', '/'),
  )
  .map(([segments, end]) => segments.map((each) => `/${each}`).join('') + end || '/');
const request = fc.tuple(
  fc.constantFrom('a.test', 'b.a.test', 'c.a.test', 'x.b.a.test', 'test', 'b.test', 'other'),
  requestPath,
  fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'TRACE'),
);

test('the tree answers as a plain reference does', (t) => {
  let found = 0;
  fc.assert(
    fc.property(
      fc.array(routeWords, { maxLength: 12 }),
      fc.array(request, { minLength: 1, maxLength: 12 }),
      (words, requests) => {
        const routes = withoutConflicts(words.map((each, i) => ({ ...each, name: `r${i}` })));
        const router = compile(...routes);
        for (const [host, path, method] of requests) {
          const answer = ask(router, host, path, method);
          assert.equal(answer, reference(routes, host, path, method), `${method} ${host} ${path}`);
          if (answer.startsWith('r')) found += 1;
        }
      },
    ),
    fuzzRun(t, 2_000),
  );
  assert.ok(found > 1_000, `only ${found} requests found a route`);
});

/** Each host, shape and method is given to the first route that asks for it. */
function withoutConflicts(routes: readonly Required<RouteWords>[]): Required<RouteWords>[] {
  const taken = new Set<string>();
  return routes.filter((route) => {
    const claims = new Set<string>();
    for (const host of route.hosts.length === 0 ? ['any'] : route.hosts) {
      for (const path of route.paths) {
        for (const method of route.methods.length === 0 ? ['any'] : route.methods) {
          claims.add(`${host} ${path.replace(/\{p\d\}/g, '{}')} ${method}`);
        }
      }
    }
    if ([...claims].some((claim) => taken.has(claim))) return false;
    for (const claim of claims) taken.add(claim);
    return true;
  });
}

interface Candidate {
  readonly route: Required<RouteWords>;
  readonly path: string;
}

function reference(routes: readonly Required<RouteWords>[], host: string, path: string, method: string): string {
  const known = routes.flatMap((route) => route.hosts);
  const wild = hosts.filter((each) => each.startsWith('*') && host.endsWith(each.slice(1)) && known.includes(each));
  const longest = wild.toSorted((a, b) => b.length - a.length)[0];
  const chosen = known.includes(host) ? host : longest;
  const candidates: Candidate[] = routes
    .filter((route) => (chosen === undefined ? route.hosts.length === 0 : route.hosts.includes(chosen)))
    .flatMap((route) => route.paths.map((each) => ({ route, path: each })))
    .filter((each) => regexOf(each.path).test(path))
    .toSorted((a, b) => (rank(a.path) < rank(b.path) ? -1 : rank(a.path) > rank(b.path) ? 1 : 0));
  const best = candidates[0];
  if (best === undefined) return '404';
  const same = candidates.filter((each) => rank(each.path) === rank(best.path)).map((each) => each.route);
  const exact = same.find((route) => route.methods.includes(method));
  const get = method === 'HEAD' ? same.find((route) => route.methods.includes('GET')) : undefined;
  const any = method === 'TRACE' ? undefined : same.find((route) => route.methods.length === 0);
  const route = exact ?? get ?? any;
  if (route !== undefined) return route.name;
  const usual = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
  const all = same.flatMap((each) => (each.methods.length === 0 ? usual : each.methods));
  return `405 ${[...new Set(all.includes('GET') ? [...all, 'HEAD'] : all)].sort().join(', ')}`;
}

function regexOf(pattern: string): RegExp {
  const body = pattern.replace(/\/\*$/, '(/.*)?').replace(/\{p\d\}/g, '[^/]+');
  return new RegExp(`^${body === '(/.*)?' ? '/.*' : body}$`);
}

/** Of the patterns that match one path, the smallest text is the most specific. */
function rank(pattern: string): string {
  return pattern
    .split('/')
    .map((part) => (part === '*' ? '3' : part.startsWith('{') ? '2' : '1'))
    .join('');
}

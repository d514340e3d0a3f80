import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loginPaths } from '../../src/pipeline/login-paths.ts';
import { compileRoutes } from '../../src/pipeline/routes.ts';
import { compileRouting } from '../../src/router/routing.ts';
import { Transaction } from '../../src/transaction.ts';
import { load } from '../config/support.ts';

test('paths of logins lead to a route of theirs, on every host that names them', () => {
  const { config } = load(`
upstreams: { api: { targets: [{ url: "http://127.0.0.1:1" }] } }
logins:
  a: { issuer: "https://id.test", clientId: web, keys: [a-secret-that-is-long-enough-0000000001] }
  b:
    issuer: "https://id.test"
    clientId: web
    keys: [a-secret-that-is-long-enough-0000000001]
    cookieName: __Host-b
    callbackPath: /b/callback
    logoutPath: /b/logout
routes:
  - { name: every, upstream: api, policies: { auth: { login: a } } }
  - { name: named, hosts: [www.test], paths: [/a/*], upstream: api, policies: { auth: { login: a } } }
  - { name: other, hosts: [www.test], upstream: api, policies: { auth: { login: b } } }
`);
  const routes = compileRoutes(config, {});
  const phase = compileRouting(routes, loginPaths(config, routes));
  const routeOf = (host: string, path: string) => {
    const tx = Object.assign(Object.create(Transaction.prototype), { host, path, method: 'GET', route: null });
    phase(tx as Transaction, 0);
    return (tx as Transaction).route?.name;
  };
  assert.equal(routeOf('else.test', '/.sallyport/callback'), 'every');
  assert.equal(routeOf('www.test', '/.sallyport/callback'), 'every');
  assert.equal(routeOf('www.test', '/.sallyport/logout'), 'every');
  assert.equal(routeOf('www.test', '/b/callback'), 'other');
  assert.equal(routeOf('else.test', '/b/callback'), 'every', 'nothing of its own there');
  assert.equal(routeOf('www.test', '/a/x'), 'named');
});

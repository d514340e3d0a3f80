import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { compileTransport, strictTransportSecurity } from '../../src/message/transport.ts';
import { type Downstream, Transaction, type TransactionOwner } from '../../src/transaction.ts';

interface Words {
  readonly http?: number;
  readonly https?: number;
  readonly redirect?: boolean;
  readonly redirectPort?: number;
  readonly hsts?: Partial<Config['tls']['hsts']>;
}

/** Only what this file reads of a configuration. */
function configOf({ http = 80, https = 443, redirect = true, redirectPort = 0, hsts = {} }: Words): Config {
  const listen = { http: { port: http }, https: { port: https } };
  const policy = { maxAgeSeconds: 31_536_000, includeSubDomains: false, preload: false, ...hsts };
  return { listen, tls: { redirect, redirectPort, hsts: policy } } as unknown as Config;
}

function location(words: Words, fields: Partial<Transaction>): string {
  const phase = compileTransport(configOf(words));
  assert.ok(phase !== null);
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  Object.assign(tx, { host: 'api.example', path: '/' }, fields);
  const verdict = phase(tx, 0);
  if (verdict.kind === 'pass') return 'pass';
  assert.ok(verdict.kind === 'refuse' && verdict.code === 'SP_HTTPS_REQUIRED');
  assert.equal(verdict.fields?.[0], 'location');
  return verdict.fields?.[1] ?? '';
}

describe('redirect to HTTPS', () => {
  test('keeps host, path and query; the default port is left out', () => {
    assert.equal(location({}, { path: '/a%20b', query: '?q=1&r=%2F' }), 'https://api.example/a%20b?q=1&r=%2F');
    assert.equal(location({ https: 8443 }, {}), 'https://api.example:8443/');
    assert.equal(location({ https: 8443, redirectPort: 443 }, {}), 'https://api.example/');
    assert.equal(location({ https: 8443, redirectPort: 9443 }, {}), 'https://api.example:9443/');
    assert.equal(location({ https: 8443 }, { host: '[2001:db8::1]' }), 'https://[2001:db8::1]:8443/');
  });

  test('the port is never taken from the request', () => {
    assert.equal(location({ https: 8443 }, { authority: 'api.example:1234' }), 'https://api.example:8443/');
  });

  test('a secure request passes', () => {
    assert.equal(location({}, { secure: true }), 'pass');
  });

  test('is absent where there is nothing to redirect', () => {
    assert.equal(compileTransport(configOf({ redirect: false })), null);
    assert.equal(compileTransport(configOf({ https: 0 })), null);
    assert.equal(compileTransport(configOf({ http: 0 })), null);
  });
});

test('Strict-Transport-Security says what is configured, and nothing without HTTPS', () => {
  assert.equal(strictTransportSecurity(configOf({})), 'max-age=31536000');
  const all = { maxAgeSeconds: 63_072_000, includeSubDomains: true, preload: true };
  assert.equal(strictTransportSecurity(configOf({ hsts: all })), 'max-age=63072000; includeSubDomains; preload');
  assert.equal(strictTransportSecurity(configOf({ hsts: { ...all, maxAgeSeconds: 0 } })), '');
  assert.equal(strictTransportSecurity(configOf({ https: 0, hsts: all })), '');
});

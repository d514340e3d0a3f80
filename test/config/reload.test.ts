import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIXED_AT_START, needsRestart } from '../../src/config/reload.ts';
import { load, MINIMAL } from './support.ts';

const before = load(MINIMAL).config;

test('an equal configuration needs no restart, nor do new routes, limits and logs', () => {
  assert.deepEqual(needsRestart(before, load(MINIMAL).config), []);
  const text = `limits: { bodyBytesMax: 5 }\nlog: { level: debug }\n${MINIMAL}  - { name: b, paths: [/b], upstream: api }\n`;
  assert.deepEqual(needsRestart(before, load(text).config), []);
});

test('every fixed setting is named when it changes', () => {
  const env = {
    SALLYPORT_HOST: '127.0.0.1',
    SALLYPORT_HTTP_PORT: '8081',
    SALLYPORT_LISTEN_HTTP_PROXY_PROTOCOL: 'true',
    SALLYPORT_LISTEN_HTTPS_PROXY_PROTOCOL: 'true',
    SALLYPORT_HTTPS_PORT: '8443',
    SALLYPORT_THREADS: '3',
    SALLYPORT_ADMIN_HOST: '127.0.0.2',
    SALLYPORT_ADMIN_PORT: '9091',
    SALLYPORT_LIMITS_HEAD_BYTES_MAX: '32768',
    SALLYPORT_LIMITER_SLOTS: '4096',
    SALLYPORT_ABUSE_BANS_MAX: '4096',
    SALLYPORT_ABUSE_FILE: '/var/lib/sallyport/bans.jsonl',
    SALLYPORT_REVOCATIONS_MAX: '4096',
    SALLYPORT_REVOCATIONS_FILE: '/var/lib/sallyport/revocations.jsonl',
    SALLYPORT_DPOP_REPLAYS_MAX: '4096',
    SALLYPORT_LIMITER_EXCHANGE_MS: '100',
    SALLYPORT_API_KEYS_STORE: 'file',
    SALLYPORT_API_KEYS_FILE: '/var/lib/sallyport/keys',
    SALLYPORT_API_KEYS_SECRET: 'a-secret-of-thirty-two-characters-and-more',
    SALLYPORT_API_KEYS_ENVIRONMENT: 'test',
    SALLYPORT_API_KEYS_KEYS_MAX: '1000',
    SALLYPORT_API_KEYS_EXCHANGE_MS: '100',
    SALLYPORT_REDIS_MODE: 'single',
    SALLYPORT_REDIS_NODES: '127.0.0.1:6379',
    SALLYPORT_WAF_RULES: process.execPath,
    SALLYPORT_WAF_INSPECT_THREADS: '3',
    SALLYPORT_ANSWERS_KEEP: 'server',
    SALLYPORT_TLS_CERTIFICATES_0_CERTIFICATE: process.execPath,
    SALLYPORT_TLS_CERTIFICATES_0_KEY: process.execPath,
  };
  assert.deepEqual(needsRestart(before, load(MINIMAL, env).config), FIXED_AT_START);
});

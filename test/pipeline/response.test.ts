import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileResponse } from '../../src/pipeline/response.ts';
import { type Downstream, Transaction, type TransactionOwner } from '../../src/transaction.ts';
import { load, MINIMAL } from '../config/support.ts';

const plainOnly = load(MINIMAL).config;
const withHttps = { ...plainOnly, listen: { ...plainOnly.listen, https: { ...plainOnly.listen.https, port: 8443 } } };

/** Only plain fields are read and written; neither end is ever called. */
function added(phase: ReturnType<typeof compileResponse>, secure: boolean, requestId: string): string {
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  Object.assign(tx, { secure, requestId });
  assert.equal(phase(tx, 0).kind, 'pass');
  return tx.answerFields?.toString('latin1') ?? '';
}

test('every answer gets its id, those over HTTPS the policy as well', () => {
  const phase = compileResponse(withHttps);
  assert.equal(added(phase, false, 'id-1'), '\r\nx-request-id: id-1');
  const policy = '\r\nstrict-transport-security: max-age=31536000';
  assert.equal(added(phase, true, 'id-2'), `${policy}\r\nx-request-id: id-2`);
  const off = { ...withHttps, tls: { ...withHttps.tls, hsts: { ...withHttps.tls.hsts, maxAgeSeconds: 0 } } };
  assert.equal(added(compileResponse(off), true, 'id-3'), '\r\nx-request-id: id-3');
});

test('ids of any length follow each other without a trace', () => {
  const phase = compileResponse(plainOnly);
  for (const length of [128, 1, 26, 25, 128, 127, 26]) {
    const id = String(length % 10).repeat(length);
    assert.equal(added(phase, false, id), `\r\nx-request-id: ${id}`);
  }
});

test('a cookie and what other phases add go together, the longest ones too', () => {
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  const cookie = `\r\nset-cookie: ${'c'.repeat(4_096)}`;
  Object.assign(tx, { requestId: 'id', answerText: `\r\nratelimit: ${'r'.repeat(6_500)}`, cookieText: cookie });
  compileResponse(plainOnly)(tx, 0);
  assert.equal(tx.answerFields?.toString('latin1'), `\r\nx-request-id: id${tx.answerText}${cookie}`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Config } from '../../src/config/schema.ts';
import { compileClientAddresses } from '../../src/message/client-address.ts';
import { compileForwarding } from '../../src/message/forwarding.ts';
import { type Downstream, Transaction, type TransactionOwner } from '../../src/transaction.ts';
import { fuzzRun } from '../support/fuzz.ts';

const clients = compileClientAddresses(['10.0.0.0/8']);
const STRANGER = '203.0.113.9';
const PROXY = '10.0.0.1';

type Style = Config['forwarding']['style'];

/** Only the plain fields of a transaction are read here; neither end is ever called. */
function transaction(fields: Partial<Transaction>): Transaction {
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  Object.assign(tx, { authority: 'api.example:8080', requestId: 'id-1' }, fields);
  tx.client = clients.resolve(tx.peer, tx.xForwardedFor, tx.forwarded);
  return tx;
}

function fieldsFor(style: Style, fields: Partial<Transaction>): Record<string, string> {
  const text = compileForwarding({ style, via: 'gate', claims: [] }, clients)(transaction(fields));
  assert.ok(text.endsWith('\r\n'));
  const pairs = text
    .slice(0, -2)
    .split('\r\n')
    .map((line) => {
      assert.match(line, /^[a-z-]+: [\x20-\x7e]+$/);
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    });
  const record = Object.fromEntries(pairs);
  assert.equal(Object.keys(record).length, pairs.length, 'no field twice');
  return record;
}

test('a stranger’s claims do not reach the upstream', () => {
  const claims = {
    peer: STRANGER,
    xForwardedFor: '1.2.3.4',
    xForwardedProto: 'https',
    xForwardedHost: 'evil.example',
    forwarded: 'for=1.2.3.4;proto=https;host=evil.example',
  };
  assert.deepEqual(fieldsFor('both', claims), {
    'x-forwarded-for': STRANGER,
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'api.example:8080',
    forwarded: `for=${STRANGER};host="api.example:8080";proto=http`,
    via: '1.1 gate',
    'x-request-id': 'id-1',
  });
});

test('styles write their own fields; Via and the request id are always there', () => {
  const base = { peer: STRANGER, secure: true, authority: 'h', via: '1.1 other' };
  assert.deepEqual(fieldsFor('none', base), { via: '1.1 other, 1.1 gate', 'x-request-id': 'id-1' });
  assert.deepEqual(Object.keys(fieldsFor('x-forwarded', base)), [
    'x-forwarded-for',
    'x-forwarded-proto',
    'x-forwarded-host',
    'via',
    'x-request-id',
  ]);
  assert.equal(fieldsFor('forwarded', base).forwarded, `for=${STRANGER};host=h;proto=https`);
  assert.equal(fieldsFor('x-forwarded', base)['x-forwarded-proto'], 'https');
});

test('IPv6 is quoted in Forwarded (RFC 7239 6) and plain in X-Forwarded-For', () => {
  const fields = fieldsFor('both', { peer: '2001:db8::1', authority: '[::1]:80' });
  assert.equal(fields['x-forwarded-for'], '2001:db8::1');
  assert.equal(fields.forwarded, 'for="[2001:db8::1]";host="[::1]:80";proto=http');
});

test('a trusted peer’s lists are added to', () => {
  const received = {
    peer: PROXY,
    xForwardedFor: '1.2.3.4, 10.0.0.2',
    xForwardedProto: 'https',
    xForwardedHost: 'Shop.example',
  };
  const fields = fieldsFor('both', received);
  assert.equal(fields['x-forwarded-for'], '1.2.3.4, 10.0.0.2, 10.0.0.1');
  assert.equal(fields['x-forwarded-proto'], 'https');
  assert.equal(fields['x-forwarded-host'], 'Shop.example');
  assert.equal(fields.forwarded, 'for=1.2.3.4, for=10.0.0.1;host=Shop.example;proto=https');
});

test('Forwarded alone is believed, and told in both styles', () => {
  const fields = fieldsFor('both', {
    peer: PROXY,
    forwarded: 'for="[2001:db8::5]";proto=HTTPS;host="shop.example:8443"',
  });
  assert.equal(fields['x-forwarded-for'], '2001:db8::5, 10.0.0.1');
  assert.equal(fields['x-forwarded-proto'], 'https');
  assert.equal(fields['x-forwarded-host'], 'shop.example:8443');
  assert.equal(
    fields.forwarded,
    'for="[2001:db8::5]";proto=HTTPS;host="shop.example:8443", for=10.0.0.1;host="shop.example:8443";proto=https',
  );
});

test('a stranger’s Forwarded, passed on by a proxy that writes X-Forwarded-For, is dropped', () => {
  const received = { peer: PROXY, xForwardedFor: '1.2.3.4', forwarded: 'for=127.0.0.1;proto=https;host=evil.example' };
  assert.equal(
    fieldsFor('forwarded', received).forwarded,
    'for=1.2.3.4, for=10.0.0.1;host="api.example:8080";proto=http',
  );
});

test('bad values from a trusted peer fall back to what we know', () => {
  const bad = { peer: PROXY, xForwardedFor: '1.2.3.4', xForwardedProto: 'https, gopher', xForwardedHost: 'u@evil' };
  const fields = fieldsFor('x-forwarded', bad);
  assert.equal(fields['x-forwarded-proto'], 'http');
  assert.equal(fields['x-forwarded-host'], 'api.example:8080');
  const lists = fieldsFor('x-forwarded', {
    peer: PROXY,
    xForwardedProto: 'http, https',
    xForwardedHost: 'a.example, b.example',
  });
  assert.equal(lists['x-forwarded-proto'], 'https');
  assert.equal(lists['x-forwarded-host'], 'b.example');
  for (const open of ['for="1.2.3.4', 'for=1.2.3.4;host="a\\"', 'for=\\"1.2.3.4"', 'for="1.2.3.4\\']) {
    assert.equal(
      fieldsFor('forwarded', { peer: PROXY, forwarded: open, authority: 'h' }).forwarded,
      'for=10.0.0.1;host=h;proto=http',
      open,
    );
  }
});

test('whatever printable text a peer sends, each field is one line and our element is the last', (t) => {
  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc
      .array(fc.constantFrom('for=', '"', '\\', ',', ';', '1.2.3.4', '10.0.0.2', 'host=', 'proto=https', ' '), {
        maxLength: 12,
      })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(PROXY, STRANGER),
      text,
      text,
      text,
      text,
      (peer, xForwardedFor, forwarded, proto, host) => {
        const received = {
          peer,
          authority: 'h',
          xForwardedFor,
          forwarded,
          xForwardedProto: proto,
          xForwardedHost: host,
        };
        const fields = fieldsFor('both', received);
        assert.ok(fields['x-forwarded-for']?.endsWith(peer));
        assert.match(fields['x-forwarded-proto'] ?? '', /^https?$/);
        const elements = fields.forwarded ?? '';
        const mine = elements.lastIndexOf(`for=${peer};host=`);
        assert.notEqual(mine, -1);
        // Read from the left, with escapes, no quote is open where our element begins.
        assert.equal(elements.slice(0, mine).replace(/\\./g, '').split('"').length % 2, 1, elements);
        if (peer === STRANGER) assert.equal(mine, 0);
      },
    ),
    fuzzRun(t, 3_000),
  );
});

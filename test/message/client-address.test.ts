import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress } from '../../src/base/ip-address.ts';
import { SallyportError } from '../../src/errors.ts';
import { FORWARDED_HOPS_MAX } from '../../src/limits.ts';
import { addressText, compileClientAddresses } from '../../src/message/client-address.ts';
import { fuzzRun } from '../support/fuzz.ts';

const PROXY = '10.0.0.1';
const clients = compileClientAddresses(['10.0.0.0/8', '192.0.2.7', '2001:db8:1::/48']);

test('peers are trusted by address and range, both families', () => {
  for (const peer of ['10.0.0.1', '10.255.255.255', '192.0.2.7', '2001:db8:1::1', '2001:db8:1:ffff::']) {
    assert.equal(clients.trusts(peer), true, peer);
    assert.equal(clients.trusts(peer), true, `${peer} again`);
  }
  for (const peer of ['11.0.0.1', '9.255.255.255', '192.0.2.8', '2001:db8:2::1', '::1', '', 'unknown']) {
    assert.equal(clients.trusts(peer), false, peer);
    assert.equal(clients.trusts(peer), false, `${peer} again`);
  }
});

test('lists are believed from trusted peers only, and walked from the right', () => {
  const cases: [peer: string, xForwardedFor: string, forwarded: string, client: string][] = [
    ['203.0.113.9', '1.2.3.4', '', '203.0.113.9'],
    ['203.0.113.9', '', 'for=1.2.3.4', '203.0.113.9'],
    [PROXY, '', '', PROXY],
    [PROXY, '1.2.3.4', '', '1.2.3.4'],
    [PROXY, '6.6.6.6, 1.2.3.4', '', '1.2.3.4'],
    [PROXY, '6.6.6.6, 1.2.3.4, 10.1.1.1,192.0.2.7', '', '1.2.3.4'],
    [PROXY, '10.0.0.3, 10.0.0.2', '', '10.0.0.3'],
    [PROXY, '1.2.3.4:5678', '', '1.2.3.4'],
    [PROXY, '1.2.3.4\t,\t10.0.0.2 ', '', '1.2.3.4'],
    [PROXY, '[2001:DB8::5]:443', '', '2001:db8::5'],
    [PROXY, '[2001:db8::5]', '', '2001:db8::5'],
    [PROXY, '2001:db8:0::5', '', '2001:db8::5'],
    [PROXY, '::ffff:1.2.3.4', '', '1.2.3.4'],
    [PROXY, '1.2.3.4, ::ffff:10.0.0.2', '', '1.2.3.4'],
    // A bad entry ends the walk at the last good address.
    [PROXY, '1.2.3.4, unknown', '', PROXY],
    [PROXY, '1.2.3.4, unknown, 10.0.0.2', '', '10.0.0.2'],
    [PROXY, '1.2.3.4, _hidden, 10.0.0.2', '', '10.0.0.2'],
    [PROXY, '1.2.3.4,, 10.0.0.2', '', '10.0.0.2'],
    [PROXY, ', 10.0.0.2', '', '10.0.0.2'],
    [PROXY, ',', '', PROXY],
    [PROXY, '1.2.3.4,', '', PROXY],
    [PROXY, '1.2.3.4:99999999', '', PROXY],
    [PROXY, '[1.2.3.4]', '', PROXY],
    [PROXY, '1.2.3.4x', '', PROXY],
    [PROXY, '01.2.3.4', '', PROXY],
    [PROXY, 'fe80::1%eth0', '', PROXY],
    [PROXY, '[::1', '', PROXY],
    // Forwarded (RFC 7239).
    [PROXY, '', 'for=1.2.3.4', '1.2.3.4'],
    [PROXY, '', 'For="1.2.3.4:80";proto=https;by=10.0.0.9', '1.2.3.4'],
    [PROXY, '', 'proto=http ; for=1.2.3.4', '1.2.3.4'],
    [PROXY, '', 'for=6.6.6.6, for="[2001:db8::5]:_port", for=10.0.0.2', '2001:db8::5'],
    [PROXY, '', 'for=1.2.3.4;host="a,b;for=6.6.6.6", for=10.0.0.2', '1.2.3.4'],
    [PROXY, '', 'for=1.2.3.4, for=unknown, for=10.0.0.2', '10.0.0.2'],
    [PROXY, '', 'for=1.2.3.4, for=_x', PROXY],
    [PROXY, '', 'for=1.2.3.4, proto=http', PROXY],
    [PROXY, '', 'for=1.2.3.4;for=6.6.6.6', PROXY],
    [PROXY, '', 'for=', PROXY],
    [PROXY, '', 'for="1.2.3.4', PROXY],
    [PROXY, '', 'for=1.2.3.4"', PROXY],
    // A quote that a stranger left open does not swallow what a proxy added behind it.
    [PROXY, '', 'for="6.6.6.6, for=1.2.3.4', '1.2.3.4'],
    [PROXY, '', 'for="6.6.6.6, for=1.2.3.4;host="h:1"', '1.2.3.4'],
    // Nor do quotes that a proxy wrote down escaped let a stranger begin an element.
    [PROXY, '', 'for=1.2.3.4;host="a\\", for=6.6.6.6;x=\\"b"', PROXY],
    // X-Forwarded-For wins: a stranger's Forwarded comes through proxies that do not know it.
    [PROXY, '1.2.3.4', 'for=6.6.6.6', '1.2.3.4'],
    [PROXY, 'unknown', 'for=6.6.6.6', PROXY],
  ];
  for (const [peer, xForwardedFor, forwarded, client] of cases) {
    const words = `${peer} | ${xForwardedFor} | ${forwarded}`;
    assert.equal(clients.resolve(peer, xForwardedFor, forwarded), client, words);
    assert.equal(clients.resolve(peer, xForwardedFor, forwarded), client, `${words} again, from memory`);
  }
});

test('a remembered answer belongs to its peer and its field', () => {
  assert.equal(clients.resolve(PROXY, '8.8.8.8', ''), '8.8.8.8');
  assert.equal(clients.resolve('203.0.113.9', '8.8.8.8', ''), '203.0.113.9');
  assert.equal(clients.resolve('10.0.0.2', 'x', ''), '10.0.0.2');
  assert.equal(clients.resolve(PROXY, 'x', ''), PROXY);
  assert.equal(clients.resolve(PROXY, 'for=8.8.8.8', ''), PROXY);
  assert.equal(clients.resolve(PROXY, '', 'for=8.8.8.8'), '8.8.8.8');
});

test('the walk is bounded', () => {
  const hops = (count: number) => `1.2.3.4${', 10.0.0.2'.repeat(count)}`;
  assert.equal(clients.resolve(PROXY, hops(FORWARDED_HOPS_MAX - 1), ''), '1.2.3.4');
  assert.equal(clients.resolve(PROXY, hops(FORWARDED_HOPS_MAX), ''), '10.0.0.2');
  assert.equal(clients.resolve(PROXY, '', 'for=1.2.3.4, '.repeat(2_000)), PROXY);
});

test('without trusted proxies nobody is believed', () => {
  const none = compileClientAddresses([]);
  assert.equal(none.trusts('127.0.0.1'), false);
  assert.equal(none.resolve('127.0.0.1', '1.2.3.4', 'for=1.2.3.4'), '127.0.0.1');
});

test('a range that is none stops the boot, with its place', () => {
  assert.throws(
    () => compileClientAddresses(['10.0.0.0/8', '10.0.0.0/33']),
    (error: unknown) =>
      error instanceof SallyportError &&
      error.code === 'SP_CONFIG' &&
      error.message ===
        'trustedProxies[1] is "10.0.0.0/33", not an address or CIDR range; write 10.0.0.0/8 or 2001:db8::/32',
  );
});

test('prefix 0 covers its own family', () => {
  const is = (range: string, address: string) => compileClientAddresses([range]).trusts(address);
  assert.equal(is('0.0.0.0/0', '255.1.2.3'), true);
  assert.equal(is('0.0.0.0/0', '2001:db8::1'), false);
  assert.equal(is('::/0', '2001:db8::1'), true);
  assert.equal(is('::/0', '1.2.3.4'), false);
});

test('raw bytes of a peer become canonical text', (t) => {
  assert.equal(addressText(Uint8Array.of(192, 0, 2, 255)), '192.0.2.255');
  assert.equal(addressText(Uint8Array.of(0, 0, 0, 0)), '0.0.0.0');
  assert.equal(addressText(new Uint8Array(16)), '::');
  assert.equal(addressText(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1)), '127.0.0.1');
  assert.equal(addressText(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa)), '2001:db8::a');
  assert.equal(addressText(new Uint8Array(0)), '');
  assert.equal(addressText(new Uint8Array(5)), '');
  const byte = fc.oneof(fc.constantFrom(0, 255), fc.integer({ min: 0, max: 255 }));
  const bytes = fc.oneof(
    fc.array(byte, { minLength: 4, maxLength: 4 }),
    fc.array(byte, { minLength: 16, maxLength: 16 }),
  );
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 50 }), (all) => {
      for (const each of [...all, ...all]) {
        const mapped = each.length === 4 ? [...new Array<number>(10).fill(0), 255, 255, ...each] : each;
        const view = new DataView(Uint8Array.from(mapped).buffer);
        const words = [0, 4, 8, 12].map((at) => view.getUint32(at)) as [number, number, number, number];
        assert.equal(addressText(Uint8Array.from(each)), formatAddress(words));
      }
    }),
    fuzzRun(t, 300),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hostName } from '../../src/message/host.ts';
import { fuzzRun } from '../support/fuzz.ts';

test('names lose case, port and trailing dot', () => {
  const label = 'a'.repeat(63);
  const long = `${label}.${label}.${label}.${'a'.repeat(61)}`;
  const cases: [string, string][] = [
    ['h', 'h'],
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['example.com:80', 'example.com'],
    ['example.com.:8443', 'example.com'],
    ['h:1', 'h'],
    ['h:65535', 'h'],
    ['my_service.internal', 'my_service.internal'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['192.0.2.1:8080', '192.0.2.1'],
    ['[::1]', '[::1]'],
    ['[::1]:8080', '[::1]'],
    ['[2001:DB8:0:0:0:0:0:1]', '[2001:db8::1]'],
    ['[::ffff:10.0.0.1]:80', '[::ffff:10.0.0.1]'],
    [label, label],
    [long, long],
    [`${long}.:65535`, long],
  ];
  for (const [authority, name] of cases) {
    assert.equal(hostName(authority), name, authority);
    assert.equal(hostName(authority), name, `${authority} again, from memory`);
  }
});

test('what somebody reads in another way is refused', () => {
  const bad = [
    '',
    '.',
    '..',
    'a..b',
    '.a',
    'a..',
    ':80',
    '.:80',
    'h:',
    'h:0',
    'h:080',
    'h:65536',
    'h:100000',
    'h:8a',
    'h:+80',
    'h:-1',
    'h:80:80',
    'h: 80',
    'h :80',
    ' h',
    'h ',
    'a b',
    'a,b',
    'h,h',
    'u@h',
    'u:p@h',
    'h/a',
    'h?a',
    'h#a',
    'h\\a',
    'h%00',
    'h%2e',
    'h\t',
    'h\0',
    'h\r\n',
    'caf\u00e9',
    'h\u3002example',
    '\u212a',
    'a*b',
    '*.example.com',
    '[::1',
    '::1',
    '[::1]80',
    '[::1]:',
    '[::1]:0',
    '[fe80::1%25eth0]',
    '[fe80::1%eth0]',
    '[127.0.0.1]',
    '[]',
    '[h]',
    '[v1.a]',
    '[::1]]',
    'h]',
    '"h"',
    "h'",
    'h;x',
    'h=',
    'a'.repeat(64),
    `${'a.'.repeat(126)}aa`,
    'a'.repeat(300),
  ];
  for (const authority of bad) {
    assert.equal(hostName(authority), '', JSON.stringify(authority));
    assert.equal(hostName(authority), '', `${JSON.stringify(authority)} again`);
  }
});

test('memory never mixes two hosts up', (t) => {
  const label = fc.stringMatching(/^[a-cA-C0-1_-]{1,5}$/);
  const authority = fc.oneof(
    fc
      .tuple(fc.array(label, { minLength: 1, maxLength: 3 }), fc.constantFrom('', ':80', ':81', '.'))
      .map(([labels, tail]) => labels.join('.') + tail),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(
    fc.property(fc.array(authority, { minLength: 1, maxLength: 40 }), (authorities) => {
      for (const each of authorities) assert.equal(hostName(each), reference(each), JSON.stringify(each));
    }),
    fuzzRun(t, 1_000),
  );
});

/** Names only: literals have cases above. */
function reference(authority: string): string {
  const [, name = ''] =
    /^((?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63})\.?(?::[1-9][0-9]{0,4})?$/.exec(authority) ?? [];
  return name.toLowerCase();
}

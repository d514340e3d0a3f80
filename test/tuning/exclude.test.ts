import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { excludeFor, type RequestExclusions } from '../../src/tuning/exclude.ts';
import { exclusionWords } from '../../src/tuning/exclusion.ts';
import { Judges } from '../../src/tuning/judges.ts';
import { rulesLooks } from '../../src/tuning/rule-looks.ts';
import { Folder, recordsOf, SCORING } from './support.ts';

const folder = new Folder();
const judges = Judges.open(
  folder.config(
    SCORING,
    '[{ name: off, upstream: api, paths: ["/off"], policies: { waf: { mode: off } } }, ' +
      '{ name: all, upstream: api, policies: { waf: { mode: detect } } }]',
  ),
  'block',
);
const looks = rulesLooks(judges);

function excluded(line: object, rules: readonly number[] = []): RequestExclusions {
  const path = folder.file('record.jsonl', `${JSON.stringify({ url: '/x', ...line })}\n`);
  const [record] = recordsOf(path).records;
  assert.ok(record);
  return excludeFor(judges, looks, record, rules);
}
const wordsOf = ({ exclusions }: RequestExclusions): string[] => exclusions.map(exclusionWords);

describe('the smallest exclusions', () => {
  test('one place', () => {
    const found = excluded({ url: '/x?a=bad&b=fine' });
    assert.deepEqual([wordsOf(found), found.route, found.isTried], [['10 ARGS:a'], 'all', true]);
  });

  test('of several rules those that are enough', () => {
    assert.deepEqual(wordsOf(excluded({ url: '/x?a=bad&b=worse' })), ['10 ARGS:a']);
    // 3 + 2: either would do, and 3 is as good as 2.
    assert.equal(excluded({ url: '/x?a=worse&b=odd' }).exclusions.length, 1);
    assert.deepEqual(wordsOf(excluded({ url: '/x?a=bad&b=bad' })).sort(), ['10 ARGS:a', '10 ARGS:b']);
  });

  test('of many members those that differ in numbers, or all of a variable', () => {
    const numbered = Array.from({ length: 30 }, (_, index) => `a${index}=bad`).join('&');
    const found = wordsOf(
      excluded({ url: '/x', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: numbered }),
    );
    assert.ok(found.includes('10 ARGS:/^a[0-9]+$/'), found.join());
    const named = Array.from({ length: 20 }, (_, index) => `${String.fromCharCode(97 + index)}=bad`).join('&');
    assert.ok(wordsOf(excluded({ url: `/x?${named}` }, [10])).includes('10 ARGS'));
  });

  test('a rule that looks at nothing else, or counts, goes as a whole, with its reason', () => {
    const [method] = excluded({ method: 'PUT', url: '/x' }).exclusions;
    assert.deepEqual([method?.target, method?.why], [null, 'it looks at nothing else']);
    assert.deepEqual(wordsOf(excluded({ url: '/x?a=1&b=2&c=3&d=4' })), ['14 as a whole']);
  });

  test('of a chain the target that it begins with', () => {
    assert.deepEqual(wordsOf(excluded({ url: '/x?a=1&b=twin' })), ['15 ARGS:b']);
    assert.deepEqual(wordsOf(excluded({ url: '/x?a=twin&b=twin&c=2' })).sort(), ['15 ARGS:a', '15 ARGS:b']);
  });

  test('cookies, names that need a pattern, bodies', () => {
    assert.deepEqual(wordsOf(excluded({ headers: { cookie: 'a=1; b=bad' } })), ['10 REQUEST_COOKIES:b']);
    assert.deepEqual(wordsOf(excluded({ url: '/x?a%20%22b=bad' })), ['10 ARGS:/^a\\x20\\x22b$/']);
    const json = { headers: { 'content-type': 'application/json' }, body: '{"a":[{"b":"bad"}]}' };
    assert.deepEqual(wordsOf(excluded(json)), ['10 ARGS:json.a.array_0.b']);
  });
});

describe('what is refused', () => {
  test('a rule that did not hold, and one that judges what others found', () => {
    assert.throws(
      () => excluded({ url: '/x?a=bad' }, [11]),
      /rule 11 did not hold for request ".*those that did: 10, 20/,
    );
    assert.throws(() => excluded({ url: '/x?a=bad' }, [20]), /rule 20 judges what others found/);
    assert.throws(() => excluded({ url: '/x?a=bad' }, [999]), /rule 999 did not hold/);
  });

  test('a request that passes, and one where the firewall is off', () => {
    assert.deepEqual(excluded({ url: '/x?a=fine' }).notes, ['it passes by the rules of this configuration']);
    assert.deepEqual(excluded({ url: '/off?a=bad' }).notes, ['the firewall is off on this route']);
  });

  test('a name that is too long for a target', () => {
    const { exclusions, notes } = excluded({ url: `/x?${'%22'.repeat(90)}=bad` });
    // The variable as a whole is what is left, and that is said.
    assert.deepEqual([exclusions.map(exclusionWords), /cannot be written/.test(notes[0] ?? '')], [['10 ARGS'], true]);
  });
});

describe('where not all was recorded', () => {
  const entry = (messages: readonly object[], request: object = {}): object => ({
    transaction: {
      unique_id: 'a\u001b[2J',
      route: 'all',
      outcome: 'blocked',
      request: { method: 'POST', uri: '/x', headers: { 'content-length': '5' }, ...request },
      messages: messages.map((details) => ({ details: { phase: 2, ...details } })),
    },
  });

  test('what the log tells, and that it was not tried', () => {
    const found = excluded(
      entry([
        { ruleId: '10', variable: 'ARGS:a' },
        { ruleId: '20', variable: 'TX:inbound_anomaly_score' },
        { ruleId: '77', variable: 'ARGS:a' },
        { ruleId: '15', variable: 'TX:1' },
        { ruleId: '11', variable: 'ARGS:\ufffd' },
      ]),
    );
    assert.deepEqual([wordsOf(found), found.isTried], [['10 ARGS:a', '15 as a whole'], false]);
    assert.deepEqual(found.notes, [
      'its body was not recorded: this is what the log tells, and was not tried',
      'a name cannot be written as a target: "ARGS:\ufffd"'.replace('\ufffd', '\\ufffd'),
      'the configuration has no rule 77',
    ]);
    assert.throws(() => excluded(entry([{ ruleId: '10', variable: 'ARGS:a' }]), [11]), /request "a\\u001b\[2J"/);
  });

  test('what was withheld', () => {
    const found = excluded(
      entry([{ ruleId: '10', variable: 'REQUEST_COOKIES:b' }], { headers: { cookie: '[redacted]' } }),
    );
    assert.deepEqual([wordsOf(found), found.isTried], [['10 REQUEST_COOKIES:b'], false]);
  });

  test('rules of the answer', () => {
    const found = excluded(entry([{ ruleId: '950', variable: 'RESPONSE_BODY', phase: 4 }], { headers: {} }));
    assert.match(found.notes.join(), /rules of its answer held, which is not judged here: 950/);
  });
});

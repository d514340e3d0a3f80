import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AttackCheck } from '../../src/tuning/attack-check.ts';
import { excludeFor } from '../../src/tuning/exclude.ts';
import { Judges } from '../../src/tuning/judges.ts';
import { replay } from '../../src/tuning/replay.ts';
import { rulesLooks } from '../../src/tuning/rule-looks.ts';
import { tune } from '../../src/tuning/tune.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { Folder, recordsOf, SCORING } from './support.ts';

const folder = new Folder();
const judges = Judges.open(folder.config(SCORING), 'block');
const looks = rulesLooks(judges);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    'bad',
    'worse',
    'twin',
    '[redacted]',
    'x...[+9]',
    '/x?a=bad',
    '__proto__',
    'all',
    'blocked',
    '\ud800',
    '',
  ),
);
const odd = fc.oneof(
  text,
  fc.integer(),
  fc.constant(null),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(text, text),
);
const request = fc.record(
  {
    method: odd,
    uri: fc.oneof(
      odd,
      text.map((one) => `/${one}?${one}=bad`),
    ),
    headers: odd,
    body: odd,
  },
  { requiredKeys: [] },
);
const line = fc.oneof(
  fc.record({
    transaction: fc.record(
      {
        unique_id: odd,
        outcome: odd,
        route: odd,
        request,
        messages: fc.oneof(
          odd,
          fc.array(
            fc.record({
              details: fc.record({
                ruleId: fc.oneof(odd, fc.constantFrom('10', '15', '20')),
                phase: odd,
                variable: odd,
              }),
            }),
          ),
        ),
      },
      { requiredKeys: ['request'] },
    ),
  }),
  fc.record({ method: odd, url: odd, headers: odd, body: odd, bodyBase64: odd, id: odd }, { requiredKeys: ['url'] }),
);

test('records of any content are judged, or passed over: nothing fails', (t) => {
  let judged = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const path = folder.file(
        'any.log',
        Buffer.from(lines.map((one) => `${JSON.stringify(one)}\n`).join('')).toString('latin1'),
      );
      const { records, unread } = recordsOf(path);
      assert.equal(records.length + unread.malformed + unread.other, lines.length);
      const result = replay(records, judges, null);
      judged += result.judged;
      assert.equal(result.judged + result.unrouted + result.fieldless, records.length);
      const attacks = { kind: 'requests', records } as const;
      const proposal = tune(judges, looks, records, { attacks, wholeRules: false });
      assert.equal(proposal.passing + proposal.blocked + proposal.elsewhere + proposal.unjudged, records.length);
      // What is an attack as well is never freed.
      const check = new AttackCheck(judges, attacks);
      assert.deepEqual(check.passing(proposal.proposed.map(({ exclusion }) => exclusion)), []);
      for (const record of records) if (judges.routeOf(record) !== null) excludeFor(judges, looks, record, []);
    }),
    fuzzRun(t, 600),
  );
  assert.ok(judged > 50, String(judged));
});

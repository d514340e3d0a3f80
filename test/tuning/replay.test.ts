import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judges } from '../../src/tuning/judges.ts';
import {
  newlyBlocked,
  newlyDetected,
  newlyPassed,
  type Replay,
  replay,
  type VerdictChange,
} from '../../src/tuning/replay.ts';
import { Folder, recordsOf, SCORING } from './support.ts';

const folder = new Folder();
const STRICTER = `${SCORING}\nSecRule ARGS "@contains fresh" "id:40,phase:2,deny,log,auditlog"`;
const old = Judges.open(folder.config(SCORING, undefined, '', 'old.yaml'));
const now = Judges.open(folder.config(STRICTER, undefined, '', 'new.yaml'));
const watching = Judges.open(
  folder.config(STRICTER, '[{ name: all, upstream: api, policies: { waf: { mode: detect } } }]', '', 'watching.yaml'),
);
const lenient = Judges.open(
  folder.config(
    SCORING,
    '[{ name: all, upstream: api, policies: { waf: { without: { targets: [{ target: "ARGS:a", ids: ["10"] }] } } } }]',
    '',
    'lenient.yaml',
  ),
);

function replayed(lines: readonly object[], judges: Judges, before: Judges | null): Replay {
  const path = folder.file('records.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return replay(recordsOf(path).records, judges, before);
}
const idsOf = (changes: readonly VerdictChange[]): string[] => changes.map(({ id }) => id);

const REQUESTS = [
  { id: 'fine', url: '/x?a=fine' },
  { id: 'bad', url: '/x?a=bad' },
  { id: 'fresh', url: '/x?a=fresh' },
];

test('against former rules: what changes, and by which rules', () => {
  const result = replayed(REQUESTS, now, old);
  assert.deepEqual(idsOf(newlyBlocked(result)), ['fresh']);
  assert.deepEqual([newlyPassed(result), result.assumed], [[], 0]);
  const [change] = result.changes;
  assert.deepEqual([change?.from, change?.to, change?.rulesMore, change?.rulesFewer], ['passes', 'blocked', [40], []]);
  assert.deepEqual([...result.rulesMore], [[40, 1]]);
  const back = replayed(REQUESTS, lenient, now);
  assert.deepEqual([idsOf(newlyPassed(back)), newlyBlocked(back)], [['bad', 'fresh'], []]);
  assert.deepEqual(
    [...back.rulesFewer],
    [
      [10, 1],
      [20, 1],
      [40, 1],
    ],
  );
  assert.deepEqual(replayed(REQUESTS, now, now).changes, []);
});

test('mode detect blocks nothing, and tells', () => {
  const result = replayed(REQUESTS, watching, old);
  assert.deepEqual(
    [idsOf(newlyBlocked(result)), idsOf(newlyDetected(result)), idsOf(newlyPassed(result))],
    [[], ['fresh'], ['bad']],
  );
  assert.deepEqual(idsOf(newlyBlocked(replayed(REQUESTS, now, watching))), ['bad', 'fresh']);
});

test('against what the records tell', () => {
  const entry = (id: string, outcome: string, uri: string, messages: readonly number[], more: object = {}): object => ({
    transaction: {
      unique_id: id,
      outcome,
      request: { method: 'POST', uri, headers: { host: 'a.test' }, ...more },
      messages: messages.map((ruleId) => ({ details: { ruleId, phase: 2 } })),
    },
  });
  const result = replayed(
    [
      entry('was blocked', 'blocked', '/x?a=bad', [10, 20]),
      entry('was let pass', 'matched', '/x?a=fresh&b=odd', [12]),
      entry('passes now', 'blocked', '/x?a=fine', [9]),
      entry('in its body', 'blocked', '/x', [10, 20], { headers: { 'content-length': '5' } }),
      entry('in its cookie', 'detected', '/x', [10, 20], { headers: { cookie: '[redacted]' } }),
      entry('no fields', 'blocked', '/x', [10], { headers: undefined }),
      { id: 'nothing told', url: '/x?a=bad' },
    ],
    now,
    null,
  );
  assert.deepEqual(idsOf(newlyBlocked(result)), ['was let pass', 'nothing told']);
  assert.deepEqual(idsOf(newlyPassed(result)), ['passes now']);
  assert.deepEqual(
    [...result.rulesMore, ...result.rulesFewer],
    [
      [40, 1],
      [9, 1],
    ],
  );
  const { read, judged, fieldless, bodiless, withheld, undecided, assumed } = result;
  assert.deepEqual(
    { read, judged, fieldless, bodiless, withheld, undecided, assumed },
    {
      read: 7,
      judged: 6,
      fieldless: 1,
      bodiless: 1,
      withheld: 1,
      undecided: 2,
      assumed: 1,
    },
  );
});

test('collections of one request are not those of the next', () => {
  const counting = Judges.open(
    folder.config(
      `SecAction "id:50,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.seen=+1"
SecRule IP:seen "@gt 1" "id:51,phase:1,deny,log,auditlog"`,
      undefined,
      '',
      'counting.yaml',
    ),
  );
  assert.deepEqual(replayed(REQUESTS, counting, null).verdicts, { passes: 3, detected: 0, blocked: 0 });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AttackList } from '../../src/tuning/attack-check.ts';
import { ATTACK_PAYLOADS } from '../../src/tuning/attack-payloads.ts';
import { exclusionWords } from '../../src/tuning/exclusion.ts';
import { Judges } from '../../src/tuning/judges.ts';
import { rulesLooks } from '../../src/tuning/rule-looks.ts';
import { type Proposal, tune } from '../../src/tuning/tune.ts';
import { Folder, recordsOf, SCORING } from './support.ts';

const folder = new Folder();
const NO_ATTACKS: AttackList = { kind: 'requests', records: [] };

function recordsOfUrls(urls: readonly (string | object)[]): ReturnType<typeof recordsOf>['records'] {
  const lines = urls.map((url) => `${JSON.stringify(typeof url === 'string' ? { url } : url)}\n`);
  return recordsOf(folder.file('urls.jsonl', lines.join(''))).records;
}

function tuned(
  urls: readonly (string | object)[],
  attacks: readonly string[] | AttackList = NO_ATTACKS,
  { rules = SCORING, routes = undefined as string | undefined, wholeRules = false } = {},
): Proposal {
  const judges = Judges.open(folder.config(rules, routes), 'block');
  const list: AttackList = 'kind' in attacks ? attacks : { kind: 'requests', records: recordsOfUrls(attacks) };
  return tune(judges, rulesLooks(judges), recordsOfUrls(urls), { attacks: list, wholeRules });
}
const proposedBy = ({ proposed }: Proposal): unknown[] =>
  proposed.map(({ exclusion, frees }) => [exclusion.route, exclusionWords(exclusion), frees]);

describe('what is proposed', () => {
  test('one exclusion for many requests, and how many it frees', () => {
    const proposal = tuned(['/x?a=bad', '/x?a=badly', '/x?b=bad', '/x?a=fine']);
    assert.deepEqual(proposedBy(proposal), [
      ['all', '10 ARGS:a', 2],
      ['all', '10 ARGS:b', 1],
    ]);
    const { read, passing, blocked, freed } = proposal;
    assert.deepEqual({ read, passing, blocked, freed }, { read: 4, passing: 1, blocked: 3, freed: 3 });
  });

  test('by route', () => {
    const routes = '[{ name: one, upstream: api, paths: ["/one"] }, { name: all, upstream: api }]';
    const proposal = tuned(['/one?a=bad', '/two?a=bad'], NO_ATTACKS, { routes });
    assert.deepEqual(proposedBy(proposal), [
      ['one', '10 ARGS:a', 1],
      ['all', '10 ARGS:a', 1],
    ]);
  });

  test('the rule that most requests share, where either of two would do', () => {
    // 5 + 3 each: without 10 they are at 3; without 11 still at 5.
    assert.deepEqual(proposedBy(tuned(['/x?a=bad&b=worse', '/x?a=bad&c=worse'])), [['all', '10 ARGS:a', 2]]);
    // 3 + 2 each: b is in both.
    assert.deepEqual(proposedBy(tuned(['/x?a=worse&b=odd', '/x?c=worse&b=odd'])), [['all', '12 ARGS:b', 2]]);
  });

  test('names that differ in numbers together, others alone unless they are many', () => {
    const numbered = [1, 2, 3].map((n) => `/x?item${n}=bad`);
    assert.deepEqual(proposedBy(tuned(numbered)), [['all', '10 ARGS:/^item[0-9]+$/', 3]]);
    const letters = [...'abcdefghij'].map((letter) => `/x?${letter}=bad`);
    assert.deepEqual(proposedBy(tuned(letters.slice(0, 4))).length, 4);
    assert.deepEqual(proposedBy(tuned(letters)), [['all', '10 ARGS', 10]]);
  });

  test('whole rules only when asked for', () => {
    const urls = [{ method: 'PUT', url: '/x' }];
    const without = tuned(urls);
    assert.deepEqual([proposedBy(without), without.freed], [[], 0]);
    assert.deepEqual(
      without.turnedDown.map(({ exclusion, wouldFree }) => [exclusionWords(exclusion), wouldFree]),
      [['13 as a whole', 1]],
    );
    assert.deepEqual(proposedBy(tuned(urls, NO_ATTACKS, { wholeRules: true })), [['all', '13 as a whole', 1]]);
  });

  test('nothing that helps no request by itself', () => {
    // A rule as a whole would have to go as well.
    const proposal = tuned([{ method: 'PUT', url: '/x?a=bad' }]);
    assert.deepEqual([proposedBy(proposal), proposal.freed], [[], 0]);
  });
});

describe('attacks', () => {
  test('no exclusion that lets one through; it is named', () => {
    const proposal = tuned(['/x?a=bad', '/x?b=bad'], ['/x?a=bad', '/x?b=bad+bad&c=bad']);
    assert.deepEqual(proposedBy(proposal), [['all', '10 ARGS:b', 1]]);
    assert.deepEqual(proposal.attacks, { judged: 2, blocked: 2, unjudged: 0 });
    const [turnedDown] = proposal.turnedDown;
    assert.equal(turnedDown && exclusionWords(turnedDown.exclusion), '10 ARGS:a');
    assert.match(turnedDown?.attacks.join() ?? '', /urls\.jsonl:1$/);
  });

  test('nor two that let one through together', () => {
    const proposal = tuned(['/x?a=bad', '/x?b=bad', '/x?b=bad'], ['/x?a=bad&b=bad']);
    assert.deepEqual(proposedBy(proposal), [['all', '10 ARGS:b', 2]]);
    assert.equal(proposal.freed, 2);
  });

  test('nor a broader one in place of those', () => {
    const proposal = tuned(
      [...'abcdefghij'].map((letter) => `/x?${letter}=bad`),
      ['/x?z=bad'],
    );
    assert.equal(proposedBy(proposal).length, 10);
  });

  test('those of the gateway are placed where the exclusion is', () => {
    const rules = `
SecRule ARGS|REQUEST_COOKIES "@rx (?i)<script" "id:30,phase:2,deny,log,auditlog"
SecRule ARGS "@rx (?i)union" "id:31,phase:2,deny,log,auditlog"
SecRule ARGS "@contains exactly" "id:32,phase:2,deny,log,auditlog"`;
    const list: AttackList = { kind: 'payloads', payloads: ATTACK_PAYLOADS };
    const proposal = tuned(['/x?code=%3Cscript', '/x?topic=European+Union', '/x?note=exactly'], list, { rules });
    assert.deepEqual(proposedBy(proposal), [['all', '32 ARGS:note', 1]]);
    const named = proposal.turnedDown.map(({ exclusion, attacks }) => [exclusionWords(exclusion), attacks[0]]);
    assert.deepEqual(named, [
      ['30 ARGS:code', 'cross-site scripting 1 in ARGS:code'],
      ['31 ARGS:topic', 'SQL injection 2 in ARGS:topic'],
    ]);
    assert.ok(proposal.attacks.blocked >= 3);
  });

  test('those that no route takes, or that were not recorded whole, are counted', () => {
    const routes = '[{ name: one, upstream: api, paths: ["/one"] }]';
    const list: AttackList = {
      kind: 'requests',
      records: recordsOfUrls(['/two?a=bad', { url: '/one', headers: { 'content-length': '4' } }]),
    };
    const { attacks, elsewhere } = tuned(['/two?a=bad'], list, { routes });
    assert.deepEqual([attacks, elsewhere], [{ judged: 0, blocked: 0, unjudged: 2 }, 1]);
  });
});

test('requests whose bodies were not recorded count by what the log tells', () => {
  const entry = (outcome: string, messages: readonly object[]): object => ({
    transaction: {
      outcome,
      request: { method: 'POST', uri: '/x', headers: { 'content-length': '5' } },
      messages: messages.map((details) => ({ details: { phase: 2, ...details } })),
    },
  });
  const proposal = tuned([
    entry('blocked', [
      { ruleId: '10', variable: 'ARGS:a' },
      { ruleId: '11', variable: 'ARGS:a' },
    ]),
    entry('detected', [{ ruleId: '10', variable: 'ARGS:\ufffd' }]),
    entry('matched', [{ ruleId: '12', variable: 'ARGS:a' }]),
  ]);
  assert.deepEqual(proposedBy(proposal), [
    ['all', '10 ARGS:a', 1],
    ['all', '11 ARGS:a', 1],
  ]);
  assert.deepEqual([proposal.blockedByLog, proposal.unjudged, proposal.unexplained.length], [2, 1, 1]);
});

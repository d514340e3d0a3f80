import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KeyHash } from '../../src/limiter/key-hash.ts';
import { canaryHash, canaryShare } from '../../src/pipeline/canary-share.ts';
import { lonelyCollections, openRules } from '../../src/pipeline/waf-rules.ts';
import type { RuleTrial, WafProfile } from '../../src/waf/inspection.ts';
import { recordedRuleFiles } from '../../src/waf/seclang/rule-files.ts';
import { load, MINIMAL } from '../config/support.ts';
import { PROFILE } from '../support/rule-sets.ts';
import { factsOf } from '../support/waf.ts';

const RULES = `
SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=1,setvar:tx.score=0"
SecRule ARGS:q "@rx ^(an?)(.*)$" "id:2,phase:1,pass,capture,log,msg:'%{TX.1} %{MATCHED_VAR}',severity:CRITICAL,tag:words,\\
    setvar:tx.score=+5,setvar:tx.seen=%{TX.2},ctl:ruleRemoveById=6,skipAfter:BEHIND"
SecRule ARGS:q "@rx ." "id:3,phase:1,pass,log"
SecMarker BEHIND
SecRule TX:1 "@rx ." "id:4,phase:1,pass,log"
SecRule TX:level "@lt 2" "id:5,phase:1,pass,nolog,skipAfter:LEVEL"
SecRule ARGS:q "@rx ." "id:6,phase:1,pass,log"
SecMarker LEVEL
SecRule ARGS:q "@rx ." "id:7,phase:1,pass,log"
SecRule TX:seen "@rx ." "id:8,phase:1,pass,log"
SecRule TX:score "@ge 5" "id:9,phase:1,deny,status:406,log,tag:blocks"
SecRule ARGS:q "@rx ^(.)" "id:10,phase:2,deny,capture,log,setvar:tx.letter=%{TX.1},chain"
    SecRule TX:letter "@streq z" "setvar:tx.score=+9"
SecRule TX:letter|TX:seen "@rx ." "id:11,phase:2,pass,log"
SecRule HIGHEST_SEVERITY "@le 2" "id:12,phase:2,pass,log"
`;

function run(query: string, trials: readonly RuleTrial[], share = 0, profile: Partial<WafProfile> = {}) {
  const { waf } = load(MINIMAL).config;
  const files = recordedRuleFiles(new Map([['/rules.conf', RULES]]));
  const set = openRules(files, { setup: [], rules: ['/rules.conf'] }, waf, lonelyCollections());
  const engine = set.compile({ ...PROFILE, ...profile, trials });
  assert.ok(engine);
  const inspection = engine.begin(factsOf({ target: `/?q=${query}`, share }));
  const head = inspection.requestHeaders();
  const outcome = head.kind === 'pass' ? inspection.requestBody('', false) : head;
  if (outcome.kind === 'failed') throw outcome.error;
  return {
    ended: outcome.kind === 'interrupt' ? outcome.interruption.ruleId : null,
    held: inspection.matches.map(({ ruleId, action }) => `${ruleId} ${action}`),
    message: inspection.matches.find(({ ruleId }) => ruleId === 2)?.message,
    interruption: inspection.interruption,
    score: inspection.score('score'),
  };
}

const named = (ids: readonly string[], percent = 0, tags: readonly string[] = []): RuleTrial[] => [
  { ids, tags, percent },
];

describe('rules in detect', () => {
  test('are told, and change nothing', () => {
    assert.deepEqual(run('and', []).held, ['2 scored', '4 matched', '7 matched', '8 matched', '9 blocked']);
    const detected = run('and', named(['2']));
    // No score, no capture, no ctl, no skip, no severity: as if it had not run.
    assert.deepEqual(detected.held, ['2 detected', '3 matched', '7 matched', '11 matched']);
    assert.deepEqual([detected.ended, detected.score, detected.message], [null, '0', 'an and']);
    const without = run('and', [], 0, { withoutIds: ['2'] });
    assert.deepEqual(
      detected.held.filter((words) => !words.startsWith('2 ')),
      without.held,
    );
  });

  test('by tag, and those that end requests', () => {
    const detected = run('and', named([], 0, ['blocks']));
    assert.deepEqual([detected.ended, detected.interruption], [null, null]);
    assert.deepEqual(detected.held.at(4), '9 detected');
  });

  test('with what their links leave for each other, taken back', () => {
    assert.equal(run('z', []).ended, 10);
    const detected = run('z', named(['10']));
    assert.deepEqual(detected.held, ['3 matched', '7 matched', '10 detected']);
    assert.equal(detected.score, '0');
  });

  test('a rule that only says which others run stays as it is', () => {
    assert.deepEqual(run('z', named(['2-5'])).held.includes('6 matched'), false);
    // Its settings are not made where it is named: then the level is none.
    assert.deepEqual([run('b', []).score, run('b', named(['1'])).score], ['0', '']);
  });
});

describe('rules on trial', () => {
  test('act for clients below their share', () => {
    const held = (share: number) => run('and', named(['9'], 30), share).ended;
    assert.deepEqual([held(0), held(29.9), held(30), held(99.9)], [9, 9, null, null]);
    assert.equal(run('and', named(['9'], 100), 99.9).ended, 9);
  });

  test('by the lowest that names them', () => {
    const trials = [...named(['1-99'], 60), ...named([], 20, ['blocks'])];
    assert.deepEqual([run('and', trials, 19).ended, run('and', trials, 20).ended], [9, null]);
    assert.equal(run('and', [...trials, ...named(['9'])], 1).ended, null);
  });

  test('of clients that are drawn evenly, the same ones again', () => {
    const addresses = Array.from({ length: 5_000 }, (_, n) => `10.${n >> 8}.${n & 255}.7`);
    const drawn = (hash: KeyHash): string[] => addresses.filter((address) => canaryShare(hash, address) < 10);
    const first = drawn(canaryHash('a'));
    assert.ok(first.length > 400 && first.length < 600, `${first.length}`);
    assert.deepEqual(drawn(canaryHash('a')), first);
    const others = drawn(canaryHash('b'));
    assert.ok(others.length > 400 && others.length < 600, `${others.length}`);
    assert.notDeepEqual(others, first);
    assert.ok(addresses.every((address) => canaryShare(canaryHash(''), address) < 100));
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WafProfile } from '../../src/waf/inspection.ts';
import { SecLangError } from '../../src/waf/seclang/reason.ts';
import { ask } from '../support/inspections.ts';
import { engineOf, PROFILE, ruleSetOf } from '../support/rule-sets.ts';

const RULES = `SecRule ARGS "@rx ." "id:10,phase:2,pass,log,tag:'a/b.c',msg:'%{MATCHED_VAR_NAME}'"
SecRule ARGS|REQUEST_METHOD "@rx ." "id:11,phase:2,pass,log,tag:'a/bxc',msg:'%{MATCHED_VAR_NAME}'"
SecRule &ARGS "@eq 2" "id:20,phase:2,pass,log,msg:'%{MATCHED_VAR_NAME}'"`;

const ALL = ['10 ARGS:b', '11 REQUEST_METHOD', '20 ARGS'];

/** What is left of matches by an exclusion. */
const TABLE: readonly (readonly [Partial<WafProfile>, ...string[]])[] = [
  [{}, ...ALL],
  [{ withoutIds: ['10'] }, '11 REQUEST_METHOD', '20 ARGS'],
  [{ withoutIds: ['10-11', '20'] }],
  [{ withoutIds: ['1-9'] }, ...ALL],
  [{ withoutTags: ['a/b.c'] }, '11 REQUEST_METHOD', '20 ARGS'],
  [{ withoutTags: ['a/b'] }, ...ALL],
  [{ withoutTargets: [{ target: 'ARGS:b', ids: ['10'], tag: null }] }, '10 ARGS:a', '11 REQUEST_METHOD', '20 ARGS'],
  [{ withoutTargets: [{ target: 'ARGS:/^B$/', ids: [], tag: null }] }, '10 ARGS:a', '11 REQUEST_METHOD'],
  [{ withoutTargets: [{ target: 'ARGS', ids: ['11'], tag: null }] }, '10 ARGS:b', '11 REQUEST_METHOD', '20 ARGS'],
  [{ withoutTargets: [{ target: 'REQUEST_METHOD', ids: [], tag: 'a/bxc' }] }, '10 ARGS:b', '11 ARGS:b', '20 ARGS'],
];

test('exclusions of a route take out rules and targets', () => {
  for (const [profile, ...left] of TABLE) {
    assert.deepEqual(ask(engineOf(RULES, profile), { target: '/?a=1&b=2' }).lines, left, JSON.stringify(profile));
  }
  assert.equal(TABLE.length, 10);
});

test('an exclusion that names nothing is refused', () => {
  for (const wrong of [
    { withoutIds: ['x'] },
    { withoutIds: ['9-1'] },
    { withoutTargets: [{ target: '', ids: [], tag: null }] },
  ]) {
    assert.throws(() => engineOf(RULES, wrong), SecLangError, JSON.stringify(wrong));
  }
});

test('what a route sets stands behind the setup and before the rules', () => {
  const setup =
    'SecAction "id:1,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=1,setvar:tx.inbound_anomaly_score_threshold=5"';
  const names = [
    'blocking_paranoia_level',
    'detection_paranoia_level',
    'inbound_anomaly_score_threshold',
    'outbound_anomaly_score_threshold',
  ];
  const rules = `SecAction "id:2,phase:1,pass,log,msg:'${names.map((name) => `%{tx.${name}}`).join('|')}'"`;
  const ruleSet = ruleSetOf(
    { '/setup.conf': setup, '/rules.conf': rules },
    { setup: ['/setup.conf'], rules: ['/rules.conf'] },
  );
  const told = (profile: Partial<WafProfile>) => {
    const engine = ruleSet.compile({ ...PROFILE, ...profile });
    return engine === null ? 'off' : ask(engine).lines.join();
  };
  assert.equal(told({}), '2 1||5|');
  assert.equal(told({ blockingParanoia: 2 }), '2 2|2|5|');
  assert.equal(
    told({ blockingParanoia: 2, detectionParanoia: 4, inboundThreshold: 7, outboundThreshold: 8 }),
    '2 2|4|7|8',
  );
  assert.equal(told({ mode: 'off' }), 'off');
});

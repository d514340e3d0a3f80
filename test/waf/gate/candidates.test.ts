import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleEngine, RuleSet } from '../../../src/waf/engine.ts';
import type { WafProfile } from '../../../src/waf/inspection.ts';
import { ask } from '../../support/inspections.ts';
import { engineOf, PROFILE, ruleSetOf, WAF_DEFAULTS } from '../../support/rule-sets.ts';

/** Of more targets than a value has bits for. */
const COUNT = 80;

/** Rules over targets of their own and over all arguments: gated or not, negated, with forms, with exclusions. */
const RULES = [
  ...Array.from({ length: COUNT }, (_, at) => `SecRule ARGS:a${at} "@rx ^evil${at}$" "id:${at + 1},phase:2,pass,log"`),
  'SecRule ARGS "@contains evil7" "id:101,phase:1,pass,log,t:none,t:lowercase"',
  'SecRule ARGS|!ARGS:a7|!ARGS:/^b/ "@rx evil" "id:102,phase:2,pass,log"',
  'SecRule ARGS "!@rx ^(?:evil|mild)" "id:103,phase:2,pass,log"',
  'SecRule ARGS "@rx <evil" "id:104,phase:2,pass,log,multiMatch,t:none,t:urlDecodeUni,t:htmlEntityDecode"',
  'SecRule &ARGS:a7 "@gt 1" "id:105,phase:2,pass,log"',
  'SecRule ARGS_NAMES|REQUEST_HEADERS "@streq b1" "id:106,phase:2,pass,log"',
  'SecRule ARGS:a1 "@streq stop" "id:107,phase:1,pass,log,ctl:ruleRemoveTargetById=103;ARGS:a2,skip:1"',
  'SecRule ARGS "@rx ." "id:108,phase:1,pass,log"',
  'SecRule REQUEST_METHOD "@streq GET" "id:109,phase:2,pass,log,chain"',
  'SecRule ARGS:a3 "@rx ^(?:evil3)$" "t:none,t:lowercase"',
].join('\n');

const NAMES = ['a0', 'a1', 'a2', 'a3', 'a7', 'a79', 'b1', 'other'];
const VALUES = ['evil7', 'EVIL7', 'evil79', 'Evil3', 'mild', 'stop', '', '%26lt;evil', '%253cevil', 'evil 7 \xe9'];

/** Queries of one to three arguments, the same for every run. */
function queries(count: number): string[] {
  let state = 7;
  const pick = <T>(list: readonly T[]): T => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return list[(state >>> 16) % list.length] as T;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: pick([1, 2, 3]) }, () => `${pick(NAMES)}=${pick(VALUES)}`).join('&'),
  );
}

test('rules that are left out hold for no value, however often it comes', () => {
  const gated = engineOf(RULES);
  const plain = engineOf(RULES, {}, { gate: false });
  const told = new Set<string>();
  for (const query of [...queries(600), ...queries(600)]) {
    const { lines } = ask(gated, { target: `/?${query}` });
    assert.deepEqual(lines, ask(plain, { target: `/?${query}` }).lines, query);
    for (const line of lines) told.add(line.split(' ')[0] as string);
  }
  // Those of a0, a2 and the many that nobody sends cannot hold; all others did.
  for (const id of [8, 80, 101, 102, 103, 104, 105, 106, 107, 108, 109]) assert.ok(told.has(`${id}`), `${id} held`);
});

test('what is known of values for one profile is not taken for another', () => {
  const entries = { setup: [], rules: ['/rules.conf'] };
  const [gated, plain] = [true, false].map((gate) =>
    ruleSetOf({ '/rules.conf': RULES }, entries, { ...WAF_DEFAULTS, gate }),
  ) as [RuleSet, RuleSet];
  const profiles: readonly WafProfile[] = [PROFILE, { ...PROFILE, withoutIds: ['102-103'] }];
  const pairs = profiles.map((profile) => [gated.compile(profile), plain.compile(profile)] as [RuleEngine, RuleEngine]);
  let held = 0;
  for (const query of queries(400)) {
    for (const [one, other] of pairs) {
      const asked = { target: `/?${query}` };
      const { lines } = ask(one, asked);
      assert.deepEqual(lines, ask(other, asked).lines, query);
      held += lines.length;
    }
  }
  assert.ok(held > 400, `${held} held`);
});

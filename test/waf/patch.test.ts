import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lonelyCollections, openRules } from '../../src/pipeline/waf-rules.ts';
import type { WafProfile } from '../../src/waf/inspection.ts';
import { joinPatches } from '../../src/waf/patch.ts';
import { recordedRuleFiles } from '../../src/waf/seclang/rule-files.ts';
import { load, MINIMAL } from '../config/support.ts';
import { PROFILE } from '../support/rule-sets.ts';
import { factsOf } from '../support/waf.ts';

const RULES = `
SecAction "id:1,phase:1,pass,nolog,setvar:tx.limit=5"
SecRule ARGS:q "@streq own" "id:2,phase:2,t:lowercase,deny,status:402,log"
SecRule TX:patch_mark "@streq yes" "id:3,phase:2,deny,status:409,log"
SecRule ARGS:q "@streq rest" "id:4,phase:2,t:lowercase,t:trim,pass,log"
`;

/** Rules, and patches before them, each text a file. */
function inspectionOf(patches: readonly string[], query: string, profile: Partial<WafProfile> = {}) {
  const { waf } = load(MINIMAL).config;
  const files = recordedRuleFiles(new Map([['/rules.conf', RULES]]));
  const set = openRules(files, { setup: [], rules: ['/rules.conf'] }, waf, lonelyCollections());
  const texts = new Map(patches.map((text, index) => [`/p/${index}.conf`, text]));
  const own = { ...PROFILE, ...profile };
  const patchFiles = recordedRuleFiles(new Map([...texts, ['/p/words.data', 'evil\n']]));
  const compiled = [...texts.keys()].map((path) => set.openPatch(patchFiles, path).compile(own));
  const engine = set.compile(own);
  assert.ok(engine);
  const inspection = engine.begin(factsOf({ target: `/?q=${query}` }), joinPatches(compiled));
  const outcomes = [inspection.requestHeaders(), inspection.requestBody('', false)];
  const ended = outcomes.find(({ kind }) => kind !== 'pass');
  const rule = ended?.kind === 'interrupt' ? ended.interruption.ruleId : (ended?.kind ?? 'pass');
  return { rule, held: inspection.matches.map(({ ruleId }) => ruleId), inspection };
}

describe('patches', () => {
  test('run before the rules in each phase, in the order of the files', () => {
    const first = 'SecRule ARGS:q "@streq OWN" "id:11,phase:2,deny,log"\n';
    const second = 'SecRule ARGS:q "@rx ." "id:12,phase:2,t:lowercase,pass,log"\n';
    assert.equal(inspectionOf([], 'OWN').rule, 2);
    assert.deepEqual(inspectionOf([second, first], 'OWN').held, [12, 11]);
    assert.equal(inspectionOf([second, first], 'OWN').rule, 11);
    // Forms of a value are shared: those of one must not be taken for those of the other.
    assert.deepEqual(inspectionOf([second], ' REST ').held, [12, 4]);
  });

  test('see and write what rules do: TX, and which of them run', () => {
    assert.equal(inspectionOf(['SecAction "id:11,phase:1,pass,nolog,setvar:tx.patch_mark=yes"\n'], 'x').rule, 3);
    const removes = 'SecRule ARGS:q "@streq own" "id:11,phase:1,pass,nolog,ctl:ruleRemoveById=2"\n';
    assert.equal(inspectionOf([removes], 'own').rule, 'pass');
    const reads = 'SecRule TX:limit "@eq 5" "id:11,phase:2,deny,log"\n';
    assert.equal(inspectionOf([reads], 'x').rule, 11);
    assert.equal(inspectionOf(['SecAction "id:11,phase:2,allow,nolog"\n'], 'own').rule, 'pass');
  });

  test('skip within their file only', () => {
    const skips = 'SecAction "id:11,phase:2,pass,nolog,skip:5"\nSecAction "id:12,phase:2,deny,log"\n';
    assert.equal(inspectionOf([skips, 'SecAction "id:13,phase:2,deny,log"\n'], 'x').rule, 13);
  });

  test('read data beside them', () => {
    assert.equal(inspectionOf(['SecRule ARGS "@pmFromFile words.data" "id:11,phase:2,deny,log"\n'], 'evil').rule, 11);
  });

  test('are under the profile of the route', () => {
    const deny = 'SecAction "id:11,phase:2,deny,log,tag:x"\n';
    const detected = inspectionOf([deny], 'x', { mode: 'detect' });
    assert.deepEqual([detected.rule, detected.inspection.interruption?.ruleId], ['pass', 11]);
    assert.equal(inspectionOf([deny], 'x', { withoutIds: ['11'] }).rule, 'pass');
    assert.equal(inspectionOf([deny], 'x', { withoutTags: ['x'] }).rule, 'pass');
  });

  test('hold rules and nothing else', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['SecRuleEngine On', /^\/p\/0\.conf:1: a patch holds rules: SecRuleEngine/],
      ['SecDefaultAction "phase:1,pass"', /SecDefaultAction into each/],
      ['SecRuleRemoveById 2', /use ctl:ruleRemoveById/],
      ['Include 1.conf', /^\/p\/0\.conf:1: includes \/p\/1\.conf/],
      ['SecRule ARGS "@rx (" "id:11,phase:2,deny"', /^\/p\/0\.conf:1 \(rule 11\)/],
      ['SecAction "phase:2,deny"', /^\/p\/0\.conf:1: a rule needs an id/],
      ['SecAction "id:none,phase:2,deny"', /^\/p\/0\.conf:1/],
    ];
    for (const [text, message] of wrong) {
      const run = () => inspectionOf([`${text}\n`, 'SecAction "id:19,phase:1,pass"\n'], 'x');
      assert.throws(run, { message }, text);
    }
  });
});

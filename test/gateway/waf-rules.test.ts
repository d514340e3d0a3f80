import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { readWafRules } from '../../src/gateway/waf-rules.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-waf-rules-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'crs/rules'), { recursive: true });
mkdirSync(join(folder, 'crs/plugins'));

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const config = (waf: string, policies = '{}') =>
  loadConfig({
    text: `
waf: ${waf}
upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }
routes: [{ name: all, upstream: api, policies: { waf: ${policies} } }]
`,
    env: {},
    cwd: folder,
  }).config;
const rule = (id: number): string => `SecRule ARGS "@pmFromFile words.data" "id:${id},phase:2,deny"\n`;

write('crs/crs-setup.conf.example', 'SecAction "id:900990,phase:1,pass,nolog,setvar:tx.crs_setup_version=4"\n');
write('crs/rules/words.data', 'bad\n');
write('crs/rules/B.conf', rule(2));
write('crs/rules/A.conf', rule(1));
write('own.conf', 'SecRule ARGS "@contains x" "id:3,phase:2,deny"\nIncludeOptional more.conf\n');

/** Files of the baseline but that of bodies. */
const ATTACKS = [
  '20-sql-injection.conf',
  '25-cross-site-scripting.conf',
  '30-path-traversal.conf',
  '35-command-injection.conf',
  '40-server-side-request-forgery.conf',
  '45-xml-external-entities.conf',
  '50-lookups.conf',
  '55-template-injection.conf',
  '60-nosql-injection.conf',
  '65-prototype-pollution.conf',
  '70-protocol.conf',
  '80-scanners.conf',
];
const WAF = '{ crs: crs, rules: ["own*.conf"] }';
const names = (paths: readonly string[]): string[] => paths.map((path) => path.slice(path.lastIndexOf('/') + 1));

describe('the rules of a configuration', () => {
  test('are read in their order, data files and all', () => {
    const rules = readWafRules(config(WAF));
    assert.ok(rules);
    assert.deepEqual(names(rules.entries.setup), ['10-bodies.conf', 'crs-setup.conf.example']);
    assert.deepEqual(names(rules.entries.rules), ['A.conf', 'B.conf', 'own.conf']);
    assert.ok([...rules.recorded.texts.keys()].some((path) => path.endsWith('words.data')));
  });

  test('a setup and plugins of the operator come in their places', () => {
    write('crs/crs-setup.conf', '# mine\n');
    for (const name of ['x-after', 'x-before', 'x-config']) write(`crs/plugins/${name}.conf`, '# a plugin\n');
    const rules = readWafRules(config(WAF));
    assert.ok(rules);
    assert.deepEqual(names(rules.entries.setup), ['10-bodies.conf', 'crs-setup.conf']);
    const expected = ['x-config.conf', 'x-before.conf', 'A.conf', 'B.conf', 'x-after.conf', 'own.conf'];
    assert.deepEqual(names(rules.entries.rules), expected);
  });

  test('none where no route wants any', () => {
    assert.equal(readWafRules(config(WAF, '{ mode: off }')), null);
    assert.equal(readWafRules(config('{ baseline: off }')), null);
    assert.equal(readWafRules(config('{}', '{ mode: off }')), null);
  });

  test('the baseline is read unless the Core Rule Set is, or as is said', () => {
    const read = (waf: string): string => {
      const rules = readWafRules(config(waf));
      assert.deepEqual(names(rules?.entries.setup ?? []).slice(0, 1), ['10-bodies.conf']);
      return names(rules?.entries.rules ?? []).join(' ');
    };
    const attacks = ATTACKS.join(' ');
    assert.equal(read('{}'), attacks);
    assert.equal(read('{ rules: ["own*.conf"] }'), `${attacks} own.conf`);
    assert.equal(read('{ baseline: off, rules: ["own*.conf"] }'), 'own.conf');
    assert.ok(!read('{ crs: crs }').includes(attacks));
    assert.ok(read('{ crs: crs, baseline: on, rules: ["own*.conf"] }').endsWith(` ${attacks} own.conf`));
  });

  test('every problem is named with its place', () => {
    write(
      'own-bad.conf',
      'SecRule ARGS "@nothing x" "id:4,phase:2,deny"\nSecRule NOTHING "@rx x" "id:5,phase:2,deny"\n',
    );
    assert.throws(() => readWafRules(config(WAF)), {
      code: 'SP_CONFIG',
      message: /own-bad\.conf:1 .*@nothing[\s\S]*own-bad\.conf:2/,
    });
    rmSync(join(folder, 'own-bad.conf'));
  });
});

test('what gates need is there for the rules of all profiles', () => {
  const more = (first: string) =>
    loadConfig({
      text: `
waf: { baseline: "off", rules: ["own.conf"] }
upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }
routes:
  - { name: first, upstream: api, paths: ["/a/*"], policies: { waf: ${first} } }
  - { name: all, upstream: api }
`,
      env: {},
      cwd: folder,
    }).config;
  const all = readWafRules(more('{}'))?.tables?.operators;
  assert.ok(all !== undefined && all.size > 0);
  assert.deepEqual(
    new Set(readWafRules(more('{ without: { ids: ["3"] } }'))?.tables?.operators.keys()),
    new Set(all.keys()),
  );
});

describe('a reload', () => {
  test('of what has not changed reads the same', () => {
    const before = readWafRules(config(WAF));
    assert.equal(readWafRules(config(WAF), before), before);
  });

  test('notices other profiles, settings and files', () => {
    const before = readWafRules(config(WAF));
    assert.notEqual(readWafRules(config(WAF, '{ paranoia: 2 }'), before), before);
    const deeper = readWafRules(config('{ crs: crs, rules: ["own*.conf"], jsonDepthMax: 7 }'), before);
    assert.notEqual(deeper?.digest, before?.digest);
    for (const [name, text] of [
      ['crs/rules/words.data', 'worse\n'],
      ['crs/rules/C.conf', rule(5)],
      ['more.conf', 'SecRule ARGS "@contains y" "id:6,phase:2,deny"\n'],
    ] as const) {
      const last = readWafRules(config(WAF));
      write(name, text);
      const next = readWafRules(config(WAF), last);
      assert.notEqual(next?.digest, last?.digest, name);
    }
    assert.notDeepEqual(readWafRules(config(WAF))?.tables, before?.tables);
  });
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { linkRules } from '../../../src/waf/seclang/link.ts';
import { parseRules } from '../../../src/waf/seclang/parse.ts';
import { describeProblem } from '../../../src/waf/seclang/reason.ts';
import { diskRuleFiles, recordedRuleFiles, recordRuleFiles } from '../../../src/waf/seclang/rule-files.ts';
import type { RuleFiles, RuleProgram } from '../../../src/waf/seclang/syntax.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';
import { printDirective } from './print.ts';

const crs = sharedMaterial('crs');
const skip = crs === null ? NO_MATERIAL : false;

/** The setup, then all rules by an Include that stands in a file beside it. */
function withEntry(files: RuleFiles, folder: string): RuleFiles {
  const entry = join(folder, 'entry.conf');
  const text = 'Include crs-setup.conf.example\nInclude rules/*.conf\n';
  return { read: (path) => (path === entry ? text : files.read(path)), expand: files.expand };
}

function program(files: RuleFiles, folder: string): { program: RuleProgram; directives: number } {
  const { directives, problems } = parseRules(files, [join(folder, 'entry.conf')]);
  const linked = linkRules(directives);
  assert.deepEqual([...problems, ...linked.problems].map(describeProblem), []);
  return { program: linked.program, directives: directives.length };
}

describe('CRS 4.29', { skip }, () => {
  const folder = crs ?? '';

  test('loads without a problem, every rule of its files', () => {
    const { program: found, directives } = program(withEntry(diskRuleFiles(), folder), folder);
    const rules = found.items.filter((item) => item.kind === 'rule');
    const perPhase = [1, 2, 3, 4, 5].map((phase) => rules.filter((rule) => rule.phase === phase));
    assert.equal(directives, 794);
    assert.deepEqual(
      perPhase.map((list) => list.length),
      [173, 292, 43, 109, 13],
    );
    assert.deepEqual(
      perPhase.map((list) => list.reduce((sum, { links }) => sum + links.length, 0)),
      [215, 321, 44, 110, 13],
    );
    assert.equal(found.items.length - rules.length, 30);
    assert.deepEqual(found.components, ['OWASP_CRS/4.29.0-dev']);
    // Counted without the parser: 703 lines begin a rule.
    const paths = readdirSync(join(folder, 'rules')).filter((name) => name.endsWith('.conf'));
    const texts = ['crs-setup.conf.example', ...paths.map((name) => `rules/${name}`)].map((path) =>
      readFileSync(join(folder, path), 'latin1'),
    );
    const lines = texts.join('\n').match(/^[ \t]*Sec(?:Rule|Action)[ \t]/gm) ?? [];
    assert.equal(lines.length, 703);
    assert.equal((texts.join('\n').match(/^[ \t]*"?[^#\n]*\bid:\d+/gm) ?? []).length, 630);
  });

  test('updates of targets at its end hold', () => {
    const { program: found } = program(withEntry(diskRuleFiles(), folder), folder);
    const rule = found.items.find((item) => item.kind === 'rule' && item.id === 942550);
    assert.ok(rule?.kind === 'rule');
    const excluded = rule.links[0]?.variables.filter(({ mode }) => mode === 'exclude') ?? [];
    assert.deepEqual(excluded[0]?.selector, { kind: 'pattern', source: '^_ga(?:_\\w+)?$' });
    assert.deepEqual(excluded[1]?.selector, { kind: 'name', text: '__gads' });
  });

  test('every directive, printed, reads back the same', () => {
    const { directives } = parseRules(withEntry(diskRuleFiles(), folder), [join(folder, 'entry.conf')]);
    const text = directives.map(printDirective).join('\n');
    const again = parseRules(recordedRuleFiles(new Map([['printed', text]])), ['printed']);
    assert.deepEqual(again.problems, []);
    assert.equal(again.directives.length, 794);
    const bare = (list: typeof directives) => list.map(({ place, ...rest }) => rest);
    assert.deepEqual(bare(again.directives), bare(directives));
  });

  test('what one thread has read, another reads the same', () => {
    const { files, recorded } = recordRuleFiles(withEntry(diskRuleFiles(), folder));
    const first = program(files, folder);
    const { texts, expansions } = structuredClone(recorded);
    assert.equal(texts.size, 29);
    assert.deepEqual(program(recordedRuleFiles(texts, expansions), folder), first);
  });
});

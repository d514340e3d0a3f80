import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { RULE_FILE_BYTES_MAX, RULE_FILES_MAX, RULE_INCLUDE_DEPTH_MAX } from '../../../src/limits.ts';
import { parseRules } from '../../../src/waf/seclang/parse.ts';
import { describeProblem } from '../../../src/waf/seclang/reason.ts';
import { diskRuleFiles, recordedRuleFiles } from '../../../src/waf/seclang/rule-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-rules-'));
after(() => rmSync(folder, { recursive: true }));
for (const [path, text] of [
  ['main.conf', 'Include sub/*.conf\nIncludeOptional none/*.conf\nIncludeOptional none.conf\nInclude "sub/b.txt"\n'],
  ['sub/b.conf', 'SecAction id:2\nInclude deep/x.conf'],
  ['sub/a.conf', 'SecAction id:1'],
  ['sub/.hidden.conf', 'wrong'],
  ['sub/b.txt', 'SecAction id:4'],
  ['sub/deep/x.conf', 'SecAction id:3'],
  ['bytes.conf', ''],
] as const) {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}
writeFileSync(join(folder, 'bytes.conf'), Buffer.from([0x00, 0xff, 0x80]));
writeFileSync(join(folder, 'long.conf'), '');
truncateSync(join(folder, 'long.conf'), RULE_FILE_BYTES_MAX + 1);

describe('files of this machine', () => {
  const files = diskRuleFiles();

  test('includes are followed where they stand, relative to their own folder, sorted', () => {
    const { directives, problems } = parseRules(files, [join(folder, 'main.conf')]);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      directives.map((found) => (found.kind === 'action' ? found.actions[0]?.value : found.kind)),
      ['1', '2', '3', '4'],
    );
    assert.equal(directives[2]?.place.file, join(folder, 'sub/deep/x.conf'));
  });

  test('globs in any part', () => {
    const expand = (pattern: string) => files.expand(pattern, folder).map((path) => path.slice(folder.length + 1));
    assert.deepEqual(expand('s?b/*.conf'), ['sub/a.conf', 'sub/b.conf']);
    assert.deepEqual(expand('*/?.*'), ['sub/a.conf', 'sub/b.conf', 'sub/b.txt']);
    assert.deepEqual(expand('s*/deep/x.conf'), ['sub/deep/x.conf']);
    assert.deepEqual(expand('s*/deep/y.conf'), []);
    assert.deepEqual(expand('sub/.h*'), ['sub/.hidden.conf']);
    assert.deepEqual(expand('*.conf/*'), []);
    assert.deepEqual(expand('sub/*[ab]*'), []);
    assert.deepEqual(expand('absent.conf'), ['absent.conf']);
    assert.deepEqual(files.expand(join(folder, 'sub', 'a*'), '/elsewhere'), [join(folder, 'sub/a.conf')]);
  });

  test('bytes stay bytes', () => assert.equal(files.read(join(folder, 'bytes.conf')), '\x00\xff\x80'));

  test('what cannot be read says why', () => {
    const says = (path: string) => ({ name: 'SecLangReason', message: `${join(folder, path)} ${MESSAGES[path]}` });
    for (const path of Object.keys(MESSAGES)) assert.throws(() => files.read(join(folder, path)), says(path));
  });
});

const MESSAGES: Readonly<Record<string, string>> = {
  'absent.conf': 'is not there',
  sub: 'is not a file',
  'long.conf': `has more than ${RULE_FILE_BYTES_MAX} bytes`,
};

describe('caps of includes', () => {
  const faults = (texts: Record<string, string>, entry: string): string[] =>
    parseRules(recordedRuleFiles(new Map(Object.entries(texts))), [entry]).problems.map(describeProblem);

  test('a cycle', () => {
    assert.deepEqual(faults({ a: 'Include b', b: '\nInclude a\nfoo' }, 'a'), [
      'b:2: a includes itself: a > b > a',
      'b:3: "foo" is not a directive',
    ]);
  });

  test('depth', () => {
    const texts = Object.fromEntries(Array.from({ length: 40 }, (_, level) => [`f${level}`, `Include f${level + 1}`]));
    assert.deepEqual(faults(texts, 'f0'), [
      `f15:1: f16 is not included: includes nest deeper than ${RULE_INCLUDE_DEPTH_MAX}`,
    ]);
  });

  test('number', () => {
    const all = 'Include b\n'.repeat(RULE_FILES_MAX);
    const found = faults({ a: all, b: '' }, 'a');
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', /^a:1000: b is not included: the rule set has more than 1000 files or \d+ bytes$/);
  });

  test('an entry that is not there', () => {
    assert.deepEqual(faults({}, 'a'), ['a:1: a is not among the files that were read']);
  });
});

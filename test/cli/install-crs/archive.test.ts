import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { filesOfArchive } from '../../../src/cli/install-crs/archive.ts';
import { releaseOf } from '../../../src/cli/install-crs/release.ts';
import { CRS_FILES_MAX, CRS_UNPACKED_BYTES_MAX } from '../../../src/limits.ts';
import { type ArchiveEntry, ruleSetEntries, tarGz, tarOf } from '../../support/archives.ts';

const refused = (words: RegExp) => ({ code: 'SP_RULE_SET_INSTALL', message: words });
const file: ArchiveEntry = { path: 'a/rules/x.conf', body: 'SecAction "id:1"' };

describe('an archive', () => {
  test('its files, in order, whatever their length', () => {
    const long = Buffer.alloc(100_000, 'rule\n');
    const found = filesOfArchive(
      tarGz([
        { path: './a/', type: 'Directory' },
        { ...file, path: './a/rules/x.conf' },
        { path: 'a/empty' },
        { path: 'a/long', body: long },
      ]),
    );
    assert.deepEqual(
      found.map(({ path, bytes }) => [path, bytes.length]),
      [
        ['a/rules/x.conf', 16],
        ['a/empty', 0],
        ['a/long', 100_000],
      ],
    );
    assert.equal(found[0]?.bytes.toString(), 'SecAction "id:1"');
    assert.ok(found[2]?.bytes.equals(long));
  });

  test('names beyond a header’s room come whole', () => {
    const path = `a/${'deep/'.repeat(30)}${'n'.repeat(120)}`;
    const record = `path=${path}\n`;
    const length = record.length + 4;
    const found = filesOfArchive(
      tarGz([{ path: 'PaxHeader', type: 'ExtendedHeader', body: `${length} ${record}` }, file]),
    );
    assert.deepEqual(
      found.map((one) => one.path),
      [path],
    );
  });

  const hostile: readonly (readonly [what: string, entry: ArchiveEntry, words: RegExp])[] = [
    [
      'a path upwards',
      { path: 'a/../../etc/passwd', body: 'x' },
      /the path "a\/\.\.\/\.\.\/etc\/passwd", which may leave/,
    ],
    ['nothing but upwards', { path: '..', type: 'Directory' }, /the path/],
    ['an absolute path', { path: '/etc/passwd', body: 'x' }, /the path "\/etc\/passwd", which may leave/],
    ['an absolute folder', { path: '/', type: 'Directory' }, /the path/],
    ['a backslash', { path: 'a\\..\\b', body: 'x' }, /the path/],
    ['a control character', { path: 'a/\u001b[2J', body: 'x' }, /the path "a\/\\u001b/],
    ['a doubled slash', { path: 'a//b', body: 'x' }, /the path/],
    [
      'a symbolic link',
      { path: 'a/link', type: 'SymbolicLink', linkpath: '/etc' },
      /"a\/link", which is a SymbolicLink/,
    ],
    ['a hard link', { path: 'a/link', type: 'Link', linkpath: 'a/rules/x.conf' }, /which is a Link/],
    ['a device', { path: 'a/null', type: 'CharacterDevice' }, /which is a CharacterDevice/],
    ['a pipe', { path: 'a/pipe', type: 'FIFO' }, /which is a FIFO/],
    ['a name twice', { path: './a/rules/x.conf', body: 'other' }, /"\.\/a\/rules\/x\.conf" twice/],
  ];
  for (const [what, entry, words] of hostile) {
    test(`is refused with ${what}`, () => {
      assert.throws(() => filesOfArchive(tarGz([file, entry, { path: 'a/last', body: 'x' }])), refused(words));
    });
  }

  test('a path that only its pax header has is looked at', () => {
    const pax: ArchiveEntry = { path: 'PaxHeader', type: 'ExtendedHeader', body: '19 path=../../evil\n' };
    assert.throws(() => filesOfArchive(tarGz([pax, file])), refused(/the path "\.\.\/\.\.\/evil"/));
  });

  test('a bomb is refused before it fills memory', () => {
    const before = process.memoryUsage().rss;
    const bomb = gzipSync(Buffer.alloc(CRS_UNPACKED_BYTES_MAX + 1));
    assert.throws(() => filesOfArchive(bomb), refused(/more than 134217728 bytes unpacked/));
    assert.ok(process.memoryUsage().rss - before < 4 * CRS_UNPACKED_BYTES_MAX);
    const many = Array.from({ length: CRS_FILES_MAX + 1 }, (_, index) => ({ path: `a/${index}` }));
    assert.throws(() => filesOfArchive(tarGz(many)), refused(/more than 20000 entries/));
  });

  test('packed twice, in another way, damaged or cut', () => {
    assert.throws(() => filesOfArchive(gzipSync(tarGz([file]))), refused(/packed twice/));
    assert.throws(() => filesOfArchive(tarOf([file])), refused(/no \.tar\.gz/));
    assert.throws(() => filesOfArchive(Buffer.alloc(0)), refused(/no \.tar\.gz/));
    assert.throws(() => filesOfArchive(gzipSync('no archive at all')), refused(/damaged/));
    assert.throws(() => filesOfArchive(tarGz([file]).subarray(0, 60)), refused(/damaged/));
    const tar = tarOf([{ ...file, body: 'x'.repeat(5_000) }]);
    assert.throws(() => filesOfArchive(gzipSync(tar.subarray(0, 2_000))), refused(/damaged/));
    const broken = Buffer.from(tar);
    broken[3] = 0x5a;
    assert.throws(() => filesOfArchive(gzipSync(broken)), refused(/damaged/));
  });
});

describe('a rule set', () => {
  const files = filesOfArchive(tarGz(ruleSetEntries('4.7.1')));

  test('without its folder at the top, and without what nobody reads', () => {
    const { version, files: kept } = releaseOf(files, '4.7.1');
    assert.equal(version, '4.7.1');
    assert.deepEqual(
      [...kept.keys()],
      [
        'LICENSE',
        'crs-setup.conf.example',
        'rules/REQUEST-942.conf',
        'rules/words.data',
        'rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf.example',
        'plugins/empty-config.conf',
      ],
    );
    const bare = files.map(({ path, bytes }) => ({ path: path.slice(path.indexOf('/') + 1), bytes }));
    assert.deepEqual([...releaseOf(bare, undefined).files.keys()], [...kept.keys()]);
  });

  test('another one than asked for, or none', () => {
    assert.throws(() => releaseOf(files, '4.8.0'), refused(/the rules are those of 4\.7\.1, not of 4\.8\.0/));
    const without = (part: string) => files.filter(({ path }) => !path.includes(part));
    assert.throws(() => releaseOf(without('REQUEST-942'), undefined), refused(/no rules\/\*\.conf/));
    assert.throws(() => releaseOf(without('crs-setup'), undefined), refused(/no crs-setup\.conf\.example/));
    const silent = files.map((one) => (one.path.endsWith('.conf') ? { ...one, bytes: Buffer.from('# none') } : one));
    assert.equal(releaseOf(silent, undefined).version, null);
    assert.throws(() => releaseOf(silent, '4.7.1'), refused(/do not say their version/));
  });
});

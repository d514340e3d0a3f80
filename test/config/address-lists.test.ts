import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseAddress } from '../../src/base/ip-address.ts';
import { compileRanges } from '../../src/config/address-ranges.ts';
import { load, MINIMAL, refused } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-lists-'));
after(() => rmSync(folder, { recursive: true }));

function list(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const found = (text: string): string[] =>
  refused(() => load(text, {}, folder)).map((row) => `${row.path}: ${row.found}`);

test('ranges of files stand behind those of the configuration', () => {
  list('deny.txt', '# exits\r\n192.0.2.7\r\n\r\n2001:db8::/32  # all of it\r\n');
  list('more.txt', '198.51.100.0/24');
  const { config } = load(
    `access: { deny: [10.0.0.1], denyFiles: [deny.txt, more.txt] }\n${MINIMAL}    policies: { access: { allow: [10.0.0.0/8], allowFiles: [more.txt] } }\n`,
    {},
    folder,
  );
  assert.deepEqual(config.access.deny, ['10.0.0.1', '192.0.2.7', '2001:db8::/32', '198.51.100.0/24']);
  assert.deepEqual(config.access.allow, []);
  assert.deepEqual(config.routes[0]?.policies.access.allow, ['10.0.0.0/8', '198.51.100.0/24']);
});

test('a line that is no address is named, and so is a file that cannot be read', () => {
  const bad = list('bad.txt', '10.0.0.1\nnobody\n\n10.0.0.0/33\n');
  const many = list('many.txt', 'x\n'.repeat(14));
  mkdirSync(join(folder, 'directory'));
  const rows = found(`access: { denyFiles: [bad.txt, gone.txt, directory] }\n${MINIMAL}`);
  assert.deepEqual(rows, [
    `access.denyFiles[0]: "${bad}": line 2 has "nobody", not an address or CIDR range`,
    `access.denyFiles[0]: "${bad}": line 4 has "10.0.0.0/33", not an address or CIDR range`,
    `access.denyFiles[1]: "${join(folder, 'gone.txt')}" does not exist`,
    `access.denyFiles[2]: "${join(folder, 'directory')}" is not a regular file`,
  ]);
  const few = found(`access: { denyFiles: [many.txt] }\n${MINIMAL}`);
  assert.equal(few.length, 11);
  assert.equal(few.at(-1), `access.denyFiles[0]: "${many}" has 4 more such lines`);
});

test('an empty allow list would serve everybody: it is refused', () => {
  const empty = list('empty.txt', '# nobody yet\n');
  assert.deepEqual(found(`access: { allowFiles: [empty.txt] }\n${MINIMAL}`), [
    `access.allowFiles[0]: "${empty}" holds no address`,
  ]);
  assert.deepEqual(load(`access: { denyFiles: [empty.txt] }\n${MINIMAL}`, {}, folder).config.access.deny, []);
});

test('a hundred thousand ranges are a list like any other', () => {
  const lines = Array.from({ length: 100_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  list('long.txt', lines.join('\n'));
  const { deny } = load(`access: { denyFiles: [long.txt] }\n${MINIMAL}`, {}, folder).config.access;
  assert.equal(deny.length, 100_000);
  const set = compileRanges(deny, 'access.deny');
  const has = (text: string): boolean => set.has(parseAddress(text) ?? assert.fail(text));
  assert.deepEqual(
    [has('10.0.0.0'), has('10.1.134.159'), has('10.1.134.160'), has('11.0.0.0')],
    [true, true, false, false],
  );
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AuditKeeper } from '../../src/gateway/audit-keeper.ts';
import { load, MINIMAL } from '../config/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-audit-'));
after(() => rmSync(folder, { recursive: true }));

const configOf = (path: string) => load(`waf: { rules: [/srv/*.conf], audit: { path: "${path}" } }\n${MINIMAL}`).config;
const written = (keeper: AuditKeeper, lines: string): Promise<void> =>
  new Promise((resolve) => keeper.write(lines, resolve));

test('what a full disk does not take is counted, and the count stays over reloads', async () => {
  const keeper = new AuditKeeper();
  keeper.use(configOf('/dev/full'));
  await written(keeper, 'one\ntwo\n');
  assert.equal(keeper.lost, 2);
  const file = join(folder, 'audit.log');
  keeper.use(configOf(file));
  assert.equal(keeper.lost, 2);
  await written(keeper, 'three\n');
  await keeper.stop();
  assert.equal(keeper.lost, 2);
  assert.match(readFileSync(file, 'utf8'), /^three\n$/m);
});

test('a file that cannot be opened is refused with its path, and what is open stays so', async () => {
  const keeper = new AuditKeeper();
  const file = join(folder, 'other.log');
  keeper.use(configOf(file));
  for (const path of [folder, join(folder, 'none', 'audit.log')]) {
    for (const attempt of [() => keeper.check(configOf(path)), () => keeper.use(configOf(path))]) {
      assert.throws(attempt, new RegExp(`waf\\.audit\\.path: ${path} cannot be written to`));
    }
  }
  await written(keeper, 'still\n');
  await keeper.stop();
  assert.equal(readFileSync(file, 'utf8'), 'still\n');
});

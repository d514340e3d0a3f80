import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Turns } from '../../src/base/turns.ts';
import { loadConfig } from '../../src/config/load.ts';
import { PatchKeeper } from '../../src/gateway/patch-keeper.ts';
import { readWafRules } from '../../src/gateway/waf-rules.ts';
import type { WafPatches } from '../../src/pipeline/waf-patches.ts';
import { until } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-patch-keeper-'));
after(() => rmSync(folder, { recursive: true }));
const rule = (id: number): string => `SecRule ARGS "@contains ${id}" "id:${id},phase:2,deny"\n`;

test('patches that a thread cannot take are tried again, and those of before stay until then', async () => {
  writeFileSync(join(folder, 'a.conf'), rule(1));
  const text = `
waf: { patches: ${folder} }
upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }
routes: [{ name: all, upstream: api }]
`;
  const { config } = loadConfig({ text, env: {}, cwd: folder });
  const rules = readWafRules(config);
  const lines: string[] = [];
  const line = (_: object, message: string): void => void lines.push(message);
  const given: (WafPatches | null)[] = [];
  const turns = new Turns();
  let isBusy = true;
  const keeper = new PatchKeeper({
    log: () => ({ debug: line, info: line, warn: line, error: line }),
    inTurn: (change) => turns.take(change),
    give: async (patches) => {
      given.push(patches);
      if (isBusy) throw new Error('1 thread(s) did not answer');
    },
    retryMs: 20,
  });
  const ids = (): (readonly number[])[] => keeper.rows().map((row) => row.ids);
  assert.equal(keeper.plan(config, rules)?.paths.length, 1);
  assert.deepEqual(ids(), []);
  keeper.applied(config, rules);
  try {
    assert.deepEqual([ids(), lines], [[[1]], ['patch is live']]);
    writeFileSync(join(folder, 'b.conf'), rule(2));
    await until('two tries', () => given.length >= 2);
    assert.deepEqual(ids(), [[1]]);
    assert.ok(lines.includes('patches could not be changed; those of before stay'));
    isBusy = false;
    await until('the third', () => keeper.live === 2);
    assert.deepEqual(ids(), [[1], [2]]);
    assert.equal(given.at(-1)?.paths.length, 2);
    const { length } = given;
    // A configuration without patches: nobody looks any more.
    assert.equal(keeper.plan(config, null), null);
    keeper.applied(config, null);
    assert.deepEqual([ids(), given.length, keeper.refusal], [[], length, null]);
  } finally {
    keeper.stop();
  }
});

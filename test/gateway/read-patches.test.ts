import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { type ReadPatches, readPatches, withoutExpired } from '../../src/gateway/read-patches.ts';
import { readWafRules } from '../../src/gateway/waf-rules.ts';
import { WAF_PATCH_BYTES_MAX } from '../../src/limits.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-read-patches-'));
after(() => rmSync(folder, { recursive: true }));

const NOW = Date.UTC(2026, 0, 1);
const rule = (id: number): string => `SecRule ARGS "@contains ${id}" "id:${id},phase:2,deny"\n`;

/** A folder of its own with these files, read by a configuration without any other rules. */
function read(files: Readonly<Record<string, string>>, waf = ''): ReadPatches {
  const patches = mkdtempSync(join(folder, 'p-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(patches, name), text);
  const { config } = loadConfig({
    text: `
waf: { patches: ${patches}, ${waf} }
upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }
routes: [{ name: all, upstream: api }]
`,
    env: {},
    cwd: folder,
  });
  const rules = readWafRules(config);
  assert.ok(rules, 'patches alone switch the firewall on');
  return readPatches(config, rules, 1, NOW);
}

const names = (files: ReadPatches['live']): string[] => files.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));

describe('a folder of patches', () => {
  test('is read by name, without what is no patch', () => {
    const found = read({
      'b.conf': rule(2),
      'a.conf': `# expires: 2026-01-01T00:00:01Z\n${rule(1)}`,
      '.c.conf': 'SecNothing\n',
      'd.conf~': 'SecNothing\n',
      README: 'SecNothing\n',
    });
    assert.deepEqual(names(found.live), ['a.conf', 'b.conf']);
    assert.deepEqual(
      found.live.map(({ ids, expiresAtMs }) => [ids, expiresAtMs]),
      [
        [[1], NOW + 1_000],
        [[2], null],
      ],
    );
    assert.equal(found.patches?.paths.length, 2);
    assert.equal(read({}).patches, null);
  });

  test('loses those whose time has passed, which nobody reads any more', () => {
    const found = read({
      'a.conf': `# expires: 2026-01-01T00:00:01Z\n${rule(1)}`,
      'b.conf': rule(2),
      'c.conf': '# expires: 2026-01-01T00:00:00Z\nSecNothing\n',
    });
    assert.deepEqual([names(found.live), names(found.expired)], [['a.conf', 'b.conf'], ['c.conf']]);
    assert.equal(withoutExpired(found, 2, NOW + 999), found);
    const later = withoutExpired(found, 2, NOW + 1_000);
    assert.deepEqual([names(later.live), names(later.expired)], [['b.conf'], ['c.conf', 'a.conf']]);
    assert.notEqual(later.patches?.digest, found.patches?.digest);
    assert.equal(later.patches?.number, 2);
  });

  test('is refused as a whole, with everything that is wrong', () => {
    const refused = (message: RegExp, files: Readonly<Record<string, string>>, waf = ''): void =>
      assert.throws(() => read(files, waf), { code: 'SP_CONFIG', message });
    refused(/patches of waf\.patches cannot be used:\n {2}.*a\.conf:2: .*\n {2}.*b\.conf:1 \(rule 3\): /s, {
      'a.conf': `${rule(1)}SecNothing\n`,
      'b.conf': 'SecRule ARGS "@nothing" "id:3,phase:2,deny"\n',
    });
    refused(/b\.conf:1 \(rule 1\): id 1 is that of the rule at .*a\.conf:1/, { 'a.conf': rule(1), 'b.conf': rule(1) });
    refused(/a\.conf:1 \(rule 8000003\): id 8000003 is that of the rule at .*10-bodies\.conf/, {
      'a.conf': rule(8_000_003),
    });
    // Each by itself: the other may go.
    refused(/a\.conf:1 \(rule 1\): skipAfter finds no SecMarker/, {
      'a.conf': 'SecAction "id:1,phase:1,pass,skipAfter:END"\n',
      'b.conf': 'SecMarker END\n',
    });
    refused(/a\.conf:1: a patch needs an end/, { 'a.conf': rule(1) }, 'patchesExpire: required');
    refused(/more than 1048576 bytes/, { 'a.conf': `# ${'x'.repeat(WAF_PATCH_BYTES_MAX)}\n` });
    refused(/words\.data is not there/, { 'a.conf': 'SecRule ARGS "@pmFromFile words.data" "id:1,phase:2,deny"\n' });
  });

  test('that is gone is no empty one', () => {
    const gone = join(folder, 'gone');
    mkdirSync(gone);
    const text = `waf: { patches: ${gone} }\nupstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }\nroutes: [{ name: all, upstream: api }]\n`;
    const { config } = loadConfig({ text, env: {}, cwd: folder });
    rmSync(gone, { recursive: true });
    assert.throws(() => readPatches(config, { profiles: [], ids: new Map() }, 1, NOW), { message: /cannot be read/ });
    assert.throws(() => loadConfig({ text, env: {}, cwd: folder }), { message: /is not a folder that can be read/ });
  });
});

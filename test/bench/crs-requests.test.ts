import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CRS_LOADS, type CrsLoad } from '../../bench/crs-requests.ts';
import { type LoadRequest, requestsOf } from '../../bench/requests.ts';
import { findRuleSet, isTooOld } from '../../bench/rule-set.ts';
import { ask } from '../support/inspections.ts';
import { BASELINE, PROFILE, ruleSetOf } from '../support/rule-sets.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-crs-'));
after(() => rmSync(folder, { recursive: true }));
const crs = sharedMaterial('crs');

const SHAPES: Readonly<Record<CrsLoad, readonly [method: string, bytesMin: number, bytesMax: number]>> = {
  'crs-get': ['GET', 0, 0],
  everything: ['GET', 0, 0],
  'attack-mix': ['GET', 0, 0],
  'crs-form': ['POST', 150, 400],
  'crs-json-1k': ['POST', 950, 1_250],
  'crs-json-10k': ['POST', 9_900, 10_300],
};

describe('requests of a firewall’s cases', () => {
  for (const load of CRS_LOADS) {
    test(`${load}: as long as it says, no two alike, some of them attacks`, () => {
      const requests = requestsOf({ load, requests: 300, seed: 1 });
      const [method, bytesMin, bytesMax] = SHAPES[load];
      assert.equal(requests.length, 300);
      assert.equal(new Set(requests.map(textOf)).size, 300);
      assert.equal(requests.filter(({ isAttack }) => isAttack).length, load === 'attack-mix' ? 30 : 3);
      for (const one of requests) {
        const bytes = one.body?.length ?? 0;
        assert.equal(one.method, method);
        assert.ok(bytes >= bytesMin && bytes <= bytesMax, `${bytes} bytes`);
      }
    });

    test(`${load}: the same for the same seed, others for another`, () => {
      const first = requestsOf({ load, requests: 20, seed: 1 }).map(textOf);
      assert.deepEqual(requestsOf({ load, requests: 20, seed: 1 }).map(textOf), first);
      const second = new Set(requestsOf({ load, requests: 20, seed: 2 }).map(textOf));
      assert.ok(first.every((text) => !second.has(text)));
    });
  }

  test('the Core Rule Set refuses every attack and has nothing against the rest', {
    skip: crs === null && NO_MATERIAL,
  }, () => {
    const found = findRuleSet(crs ?? '');
    assert.ok(found !== null);
    const engine = ruleSetOf({}, { setup: [BASELINE, found.setup], rules: [found.rules] }).compile(PROFILE);
    assert.ok(engine !== null);
    const counts: Record<CrsLoad, number> = {
      'crs-get': 800,
      everything: 0,
      'attack-mix': 200,
      'crs-form': 600,
      'crs-json-1k': 200,
      'crs-json-10k': 20,
    };
    let attacks = 0;
    for (const load of CRS_LOADS) {
      for (const request of requestsOf({ load, requests: counts[load], seed: 3 })) {
        const { method, path: target, headers, body, isAttack } = request;
        const fields = Object.entries(headers).flat();
        const length = body === undefined ? [] : ['Content-Length', String(body.length)];
        const asked = { method, target, fields: [...fields, ...length], body: body?.toString('latin1') ?? '' };
        const { lines, outcomes } = ask(engine, asked);
        const isRefused = outcomes.some(({ kind }) => kind !== 'pass');
        assert.equal(isRefused, isAttack, `${textOf(request)}\n${lines.join('\n')}`);
        if (!isAttack) assert.deepEqual(lines, [], textOf(request));
        else attacks += 1;
      }
    }
    assert.equal(attacks, 8 + 20 + 6 + 2 + 1);
  });
});

describe('where a rule set is', () => {
  test('release 3 is none that both can run', () => {
    const old = (version: string): boolean => isTooOld({ setup: '', rules: '', version });
    assert.deepEqual(['OWASP_CRS/3.3.4', 'OWASP_CRS/4.0.0', 'OWASP_CRS/30.1.0', 'unknown'].map(old), [
      true,
      false,
      false,
      false,
    ]);
  });

  test('set-up and rules beside each other; what is no rule set is none', () => {
    assert.equal(findRuleSet(join(folder, 'absent')), null);
    mkdirSync(join(folder, 'rules'));
    writeFileSync(join(folder, 'crs-setup.conf.example'), '');
    assert.equal(findRuleSet(folder), null);
    writeFileSync(join(folder, 'rules', 'B.conf'), '');
    writeFileSync(join(folder, 'rules', 'A.conf'), 'SecAction "id:1,phase:1,ver:\'OWN/1.2.3\',pass"');
    const rules = join(folder, 'rules', '*.conf');
    assert.deepEqual(findRuleSet(folder), {
      setup: join(folder, 'crs-setup.conf.example'),
      rules,
      version: 'OWN/1.2.3',
    });
    writeFileSync(join(folder, 'crs-setup.conf'), '');
    assert.equal(findRuleSet(folder)?.setup, join(folder, 'crs-setup.conf'));
    const bare = join(folder, 'bare');
    mkdirSync(join(bare, 'rules'), { recursive: true });
    writeFileSync(join(bare, 'rules', 'A.conf'), '');
    const debian = '/etc/modsecurity/crs/crs-setup.conf';
    assert.equal(findRuleSet(bare)?.setup, existsSync(debian) ? debian : undefined);
  });
});

function textOf({ path, headers, body }: LoadRequest): string {
  return `${path} ${headers.Cookie} ${body?.toString() ?? ''}`;
}

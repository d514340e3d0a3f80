import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { byteTextOf } from '../../src/base/byte-text.ts';
import { loadConfig } from '../../src/config/load.ts';
import { profileOf } from '../../src/pipeline/waf-rules.ts';
import { exclusionDirectives, exclusionRule } from '../../src/tuning/exclusion-seclang.ts';
import { exclusionYaml } from '../../src/tuning/exclusion-yaml.ts';
import { numberedKey, numberedText, targetText } from '../../src/tuning/target-text.ts';
import type { WafProfile } from '../../src/waf/inspection.ts';
import { RequestTarget } from '../../src/waf/request-target.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { ask } from '../support/inspections.ts';
import { engineOf } from '../support/rule-sets.ts';
import { Folder } from './support.ts';

const folder = new Folder();
const rulesFile = folder.file('rules.conf', '');

const RULE = 'SecRule ARGS "@contains attack" "id:10,phase:2,deny,log"\n';

const exclusion = (target: string, route = 'all') =>
  ({ route, ruleId: 10, target, breadth: 'member', why: '' }) as const;

/** Bytes that mean something to YAML, SecLang, patterns, configurations and queries come often. */
const names = fc
  .array(
    fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...Buffer.from(`"'\\/|:;,$ {}[]()#%^&*!@.~-=0aZ\n\r`))),
    {
      minLength: 0,
      maxLength: 40,
    },
  )
  .map((bytes) => byteTextOf(Uint8Array.from(bytes)));

const encoded = (name: string): string =>
  [...name].map((one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');

/** Is an attack in this argument blocked? */
function blocks(engine: ReturnType<typeof engineOf>, name: string): boolean {
  const { outcomes } = ask(engine, { target: `/a?${encoded(name)}=attack` });
  return outcomes.some(({ kind }) => kind === 'interrupt');
}

/** Names that are nearly the same. */
const neighbours = (name: string): string[] => [
  `${name}x`,
  `x${name}`,
  `${name}\n`,
  name.slice(1),
  name.replace(/./s, (one) => String.fromCharCode((one.charCodeAt(0) + 1) % 256)),
];

describe('a name of any bytes is written so that it is read as that name and no other', () => {
  const profileOfYaml = (yaml: string): WafProfile => {
    const { policies } = (parse(yaml) as { routes: { policies: object }[] }).routes[0] ?? {};
    const text = JSON.stringify({
      waf: { baseline: 'off', rules: [rulesFile] },
      upstreams: { api: { targets: [{ url: 'http://127.0.0.1:3000' }] } },
      routes: [{ name: 'all', upstream: 'api', policies }],
    });
    const [route] = loadConfig({ text, env: {}, cwd: '/' }).config.routes;
    assert.ok(route);
    return profileOf(route);
  };

  for (const [form, open] of Object.entries({
    'in a configuration': (target: string) => engineOf(RULE, profileOfYaml(exclusionYaml([exclusion(target)]))),
    'as a directive': (target: string) => engineOf(`${RULE}${exclusionDirectives([exclusion(target)])}`),
    'as a rule for one path': (target: string) => engineOf(`${exclusionRule([exclusion(target)], '/a', 9)}${RULE}`),
  })) {
    test(form, (t) => {
      let written = 0;
      fc.assert(
        fc.property(names, (name) => {
          const target = targetText('ARGS', name);
          // Too long a pattern for a configuration is refused.
          if (target === null) return name.length > 50;
          written += 1;
          const engine = open(target);
          assert.equal(blocks(engine, name), false, target);
          for (const other of neighbours(name)) {
            if (other.toLowerCase() !== name.toLowerCase()) assert.equal(blocks(engine, other), true, target);
          }
          return true;
        }),
        fuzzRun(t, 200),
      );
      assert.ok(written >= 100, String(written));
    });
  }

  test('paths of any bytes', (t) => {
    fc.assert(
      fc.property(names, (name) => {
        const path = `/${name.replaceAll(/[?#]/g, '')}`;
        const engine = engineOf(`${exclusionRule([exclusion('ARGS:q')], new RequestTarget(path).filename, 9)}${RULE}`);
        const { outcomes } = ask(engine, { target: `${path}?q=attack`, path });
        const others = ask(engine, { target: `${path}x?q=attack`, path: `${path}x` }).outcomes;
        assert.ok(
          outcomes.every(({ kind }) => kind === 'pass'),
          path,
        );
        assert.ok(
          others.some(({ kind }) => kind === 'interrupt'),
          path,
        );
      }),
      fuzzRun(t, 100),
    );
  });

  test('names of routes', (t) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (route) => {
        // Halves of a pair are no text.
        fc.pre(Buffer.from(route).toString() === route);
        const yaml = exclusionYaml([exclusion('ARGS:a', route)]);
        assert.match(yaml, /^[ -~\n]*$/);
        const { routes } = parse(yaml) as { routes: { name: string }[] };
        assert.deepEqual(
          routes.map(({ name }) => name),
          [route],
        );
      }),
      fuzzRun(t, 300),
    );
  });
});

test('plain names stay plain; what cannot be written is refused', () => {
  assert.equal(targetText('ARGS', 'user[name]'), 'ARGS:user[name]');
  assert.equal(targetText('ARGS', 'json.a.array_0.b-c'), 'ARGS:json.a.array_0.b-c');
  assert.equal(targetText('ARGS', 'a b'), 'ARGS:/^a\\x20b$/');
  assert.equal(targetText('ARGS', '$' + '{HOME}'), 'ARGS:/^\\x24\\x7bHOME\\x7d$/');
  assert.equal(targetText('XML', '/*'), 'XML:/*');
  assert.equal(targetText('REQUEST_URI', null), 'REQUEST_URI');
  assert.equal(targetText('ARGS', 'x'.repeat(257)), null);
  assert.equal(targetText('ARGS', '"'.repeat(70)), null);
  assert.equal(targetText('NOTHING', 'a'), null);
  assert.equal(targetText('XML', '//a'), null);
});

test('names that differ in numbers only', () => {
  assert.equal(numberedText('ARGS', 'item[12].n'), 'ARGS:/^item\\x5b[0-9]+\\x5d\\x2en$/');
  assert.equal(numberedText('ARGS', 'item'), null);
  assert.equal(numberedKey('Item[12]'), numberedKey('item[7]'));
  assert.equal(numberedKey('item'), null);
  const engine = engineOf(`${RULE}${exclusionDirectives([exclusion(numberedText('ARGS', 'a1.b') ?? '')])}`);
  assert.deepEqual(
    ['a1.b', 'a77.b', 'a.b', 'a1.bc', 'xa1.b'].map((name) => blocks(engine, name)),
    [false, false, true, true, true],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROFILE } from '../../../support/rule-sets.ts';
import { NO_MATERIAL, sharedMaterial } from '../../../support/shared-material.ts';
import { crsEngine } from '../engines.ts';
import { clausesOfRules, literalsOf, literalsThatMeetAll } from './gate-literals.ts';
import { type Cost, costOf } from './measure.ts';
import { HOSTILE_PLACES } from './places.ts';
import { hostileTexts } from './texts.ts';

const folder = sharedMaterial('crs');
const skip = folder === null ? NO_MATERIAL : false;

/** CPU time by turns: what else the machine does falls on both. */
const RATIO_MAX = 2;
const TRIES_MAX = 3;

/** Place and text, as `npm run worst-case:crs` names them: the dearest ones. */
const CELLS: readonly (readonly [string, string])[] = [
  ['query: one value', 'all literals of the gate'],
  ['query: one value', 'words of all'],
  ['query: values of 200 bytes', 'literals that meet every clause'],
  ['query: values of 20 bytes', 'words of all'],
  ['cookie: one value', 'literals behind escapes'],
  ['form: values of 1,000 bytes', 'words of all'],
];

test('values that are made to defeat the gate cost at most twice what they cost without', { skip }, (t) => {
  const profile = { ...PROFILE, mode: 'detect' as const, blockingParanoia: 1 };
  const [gated, plain] = [crsEngine(folder ?? '', profile), crsEngine(folder ?? '', profile, false)];
  const texts = hostileTexts(clausesOfRules(folder ?? ''));
  for (const [place, text] of CELLS) {
    const [where, what] = [HOSTILE_PLACES.find(({ name }) => name === place), texts.find(({ name }) => name === text)];
    assert.ok(where !== undefined && what !== undefined, `${place}, ${text}`);
    const costs = [costOf(where, what, gated, plain)];
    // A busy machine may disturb one of them.
    while (costs.length < TRIES_MAX && ratioOf(costs) > RATIO_MAX) costs.push(costOf(where, what, gated, plain));
    const ratio = ratioOf(costs);
    t.diagnostic(`${place}, ${text}: ${ratio.toFixed(2)}`);
    assert.ok(ratio < RATIO_MAX, JSON.stringify(costs));
    assert.ok((costs[0]?.matches ?? 0) > 5, JSON.stringify(costs));
  }
});

const ratioOf = (costs: readonly Cost[]): number => Math.min(...costs.map(({ ratio }) => ratio));

test('few literals meet all clauses', { skip }, () => {
  const clauses = clausesOfRules(folder ?? '').filter(({ literals }) => literals.length > 0);
  const few = new Set(literalsThatMeetAll(clauses));
  assert.ok(clauses.every(({ literals }) => literals.some((literal) => few.has(literal))));
  assert.ok(few.size < literalsOf(clauses).length / 10, `${few.size}`);
});

test('each text has the length that was asked for', { skip }, () => {
  const texts = hostileTexts(clausesOfRules(folder ?? ''));
  for (const { name, make } of texts) assert.equal(make(777, () => 0).length, 777, name);
  assert.equal(texts.length, 25);
});

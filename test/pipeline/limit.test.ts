import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseList } from 'structured-headers';
import { saltOf } from '../../src/limiter/decision.ts';
import type { PhaseContext } from '../../src/pipeline/context.ts';
import { capturedNames } from '../../src/pipeline/hash-field.ts';
import { compileLimit } from '../../src/pipeline/limit.ts';
import { compileRoutes } from '../../src/pipeline/routes.ts';
import type { Transaction } from '../../src/transaction.ts';
import type { Verdict } from '../../src/verdict.ts';
import { load, MINIMAL } from '../config/support.ts';
import { freshDecision } from '../support/decision.ts';

interface Asked {
  readonly verdict: Verdict;
  readonly policy: string;
  /** Of RateLimit-Policy and RateLimit, parsed: name and parameters. */
  readonly policies: readonly (readonly [unknown, unknown])[];
  readonly state: readonly (readonly [unknown, unknown])[];
}

/** The phase over one route with the given policies, on a clock that stands still. */
function phaseOver(rateLimits: string, names: readonly string[], whenFull: string, slots: number) {
  const { config } = load(
    `${MINIMAL}    policies: { rateLimits: [${names.join(', ')}] }\nrateLimits:\n${rateLimits.replaceAll(/^/gm, '  ')}\nlimiter: { whenFull: ${whenFull} }\n`,
  );
  const routes = compileRoutes(config, {});
  const outcomes: string[] = [];
  const context = {
    config,
    routes,
    captured: capturedNames(config),
    policyRows: Object.fromEntries(names.map((name, row) => [`limit:${name}`, row])),
    metrics: { policy: (row: number, outcome: string) => outcomes.push(`${names[row]} ${outcome}`) },
    decision: freshDecision(slots),
  } as unknown as PhaseContext;
  return { phase: compileLimit(context), route: routes[0], outcomes, fields: capturedNames(config) };
}

function asker(rateLimits: string, names: readonly string[], whenFull = 'refuse', slots = 1_024) {
  const { phase, route, outcomes, fields } = phaseOver(rateLimits, names, whenFull, slots);
  assert.ok(phase !== null);
  const startedAt = performance.now();
  const ask = (client: string, tenant = ''): Asked => {
    const captured = fields.map((name) => (name === 'x-tenant' ? tenant : ''));
    const tx = { route, client, startedAt, captured, answerText: '', ratePolicies: '', policy: '' };
    const verdict = phase(tx as unknown as Transaction, 0);
    const value = (name: string) => new RegExp(`\r\n${name}: ([^\r]*)`).exec(tx.answerText)?.[1] ?? '';
    const items = (name: string) =>
      parseList(value(name)).map(([item, parameters]) => [item, Object.fromEntries(parameters)] as const);
    return { verdict, policy: tx.policy, policies: items('ratelimit-policy'), state: items('ratelimit') };
  };
  return { ask, outcomes };
}

test('RateLimit-Policy names the windows that hold for the request, RateLimit the one with least room', () => {
  const { ask } = asker(
    `all:
  windows: [{ limit: 5, windowMs: 2500 }, { limit: 100, windowMs: 3600000 }]
partners:
  windows: [{ limit: 3, windowMs: 60000 }]
  exempt: [10.0.0.0/8]
keyed:
  key: [header:x-tenant]
  whenMissing: skip
  windows: [{ limit: 2, windowMs: 60000 }]`,
    ['all', 'partners', 'keyed'],
  );
  const all = [
    ['all-2500ms', { q: 5, w: 3 }],
    ['all-3600000ms', { q: 100, w: 3_600 }],
  ];
  const both = ask('192.0.2.1', 'a');
  assert.deepEqual(both.policies, [...all, ['partners', { q: 3, w: 60 }], ['keyed', { q: 2, w: 60 }]]);
  const [name, parameters] = both.state[0] ?? [];
  assert.deepEqual([both.state.length, name, (parameters as { r: number }).r], [1, 'keyed', 1]);
  const { t } = parameters as { t: number };
  assert.ok(Number.isInteger(t) && t >= 1 && t <= 60, `${t}`);
  assert.deepEqual(ask('192.0.2.1').policies, [...all, ['partners', { q: 3, w: 60 }]]);
  const exempt = ask('10.1.2.3', '');
  assert.deepEqual([exempt.policies, exempt.state[0]?.[0]], [all, 'all-2500ms']);
});

test('policies whose names hash alike count apart', () => {
  const names = ['limit-639229', 'limit-1437402'];
  assert.equal(saltOf(names[0] as string), saltOf(names[1] as string), 'the names are chosen for that');
  const { ask } = asker(names.map((name) => `${name}: { windows: [{ limit: 2, windowMs: 60000 }] }`).join('\n'), names);
  assert.deepEqual(
    [1, 2].map(() => ask('192.0.2.1').verdict.kind),
    ['pass', 'pass'],
  );
  assert.equal(ask('192.0.2.1').verdict.kind, 'refuse');
});

test('a full table: the policy that found no room is named and counted; admitted there, the others hold', () => {
  const policies = `address:
  windows: [{ limit: 20, windowMs: 3600000 }]
keyed:
  key: [header:x-tenant]
  windows: [{ limit: 1, windowMs: 3600000 }]`;
  for (const whenFull of ['refuse', 'admit']) {
    const { ask, outcomes } = asker(policies, ['address', 'keyed'], whenFull, 8);
    // The address and seven tenants fill the table.
    for (let tenant = 1; tenant <= 7; tenant += 1) assert.equal(ask('192.0.2.1', `${tenant}`).verdict.kind, 'pass');
    outcomes.length = 0;
    const verdicts = Array.from({ length: 14 }, (_, more) => ask('192.0.2.1', `more ${more}`));
    const kinds = verdicts.map(({ verdict, policy }) => (verdict.kind === 'refuse' ? `${verdict.code} ${policy}` : ''));
    if (whenFull === 'refuse') {
      assert.deepEqual(kinds, new Array(14).fill('SP_LIMITER_FULL keyed'));
      assert.deepEqual(outcomes, new Array(14).fill('keyed full'));
      assert.deepEqual(verdicts[0]?.state, []);
      continue;
    }
    assert.deepEqual(kinds, [...new Array(13).fill(''), 'SP_RATE_LIMITED address']);
    assert.deepEqual(outcomes.slice(0, 2), ['address admitted', 'keyed full']);
    assert.deepEqual(outcomes.slice(-1), ['address refused']);
    assert.equal(verdicts[0]?.state[0]?.[0], 'address');
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PhaseOutcome, RequestFacts, RuleMatch } from '../../../src/waf/inspection.ts';
import { EngineExecutor, type InspectedPhases } from './engine-executor.ts';

const MATCH: RuleMatch = {
  ruleId: 7,
  phase: 2,
  file: 'a.conf',
  line: 1,
  message: 'a message',
  data: 'x found within ARGS:a',
  severity: 2,
  tags: [],
  version: '',
  revision: '',
  variable: 'ARGS:a',
  value: 'x',
  transformed: 'x',
  operator: '@rx x',
  action: 'matched',
  disruptive: false,
  logged: true,
  audited: true,
};
const PASS: PhaseOutcome = { kind: 'pass' };

/** An engine that notes what it is asked, and answers one phase with `outcome`. */
function noting(outcomes: Readonly<Record<string, PhaseOutcome>> = {}, wantsBodies = true) {
  const calls: unknown[] = [];
  const inspect = (facts: RequestFacts): InspectedPhases => {
    const note = (phase: string, ...words: unknown[]): PhaseOutcome => {
      calls.push([phase, ...words]);
      return outcomes[phase] ?? PASS;
    };
    calls.push([facts.method, facts.target]);
    return {
      requestHeaders: () => note('requestHeaders'),
      wantsRequestBody: wantsBodies,
      requestBody: (body, isPartial) => note('requestBody', body, isPartial),
      responseHeaders: (status, fields) => note('responseHeaders', status, fields),
      wantsResponseBody: wantsBodies,
      responseBody: (body, isPartial) => note('responseBody', body, isPartial),
      logging: () => note('logging'),
      matches: [MATCH, { ...MATCH, ruleId: 8, logged: false }, MATCH],
    };
  };
  return { calls, executor: new EngineExecutor('noting', inspect) };
}

function reflect(wanted: object): { name: string; bytes: Buffer } {
  const body = JSON.stringify(wanted);
  const head = `POST /reflect HTTP/1.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return { name: 'a', bytes: Buffer.from(`${head}${body}`) };
}

test('all phases run, the last two on what the upstream would answer', async () => {
  const { calls, executor } = noting();
  const wanted = { status: 500, headers: { 'Content-Type': 'text/html' }, body: 'é' };
  const observed = await executor.run(reflect(wanted));
  assert.deepEqual(calls, [
    ['POST', '/reflect'],
    ['requestHeaders'],
    ['requestBody', Buffer.from(JSON.stringify(wanted)).toString('latin1'), false],
    ['responseHeaders', 500, ['Content-Type', 'text/html', 'Content-Length', '2']],
    ['responseBody', '\xc3\xa9', false],
    ['logging'],
  ]);
  assert.deepEqual([observed.status, observed.error, observed.ids], [500, null, [7]]);
  assert.match(observed.lines[0] ?? '', /ARGS:a \[id "7"\] \[msg "a message"\] \[data "x found within ARGS:a"\]$/);
});

test('bodies go in where they are wanted', async () => {
  const { calls, executor } = noting({}, false);
  await executor.run(reflect({ body: 'x' }));
  assert.deepEqual(calls[2], ['requestBody', '', false]);
  assert.deepEqual(calls[4], ['responseBody', '', false]);
});

test('an interruption ends it, but for phase 5; a failure is no pass', async () => {
  const interruption = { kind: 'deny', status: 403, url: '', ruleId: 7 } as const;
  const rows: readonly (readonly [PhaseOutcome, status: number | null, error: RegExp | null])[] = [
    [{ kind: 'interrupt', interruption }, 403, null],
    [{ kind: 'interrupt', interruption: { ...interruption, kind: 'drop' } }, null, /^dropped$/],
    [{ kind: 'failed', error: new Error('broken') }, null, /the engine failed: Error: broken/],
  ];
  for (const [outcome, status, error] of rows) {
    const { calls, executor } = noting({ requestBody: outcome });
    const observed = await executor.run(reflect({}));
    assert.deepEqual(calls.slice(3), [['logging']]);
    assert.equal(observed.status, status);
    if (error === null) assert.equal(observed.error, null);
    else assert.match(observed.error ?? '', error);
  }
  const { executor } = noting({ logging: { kind: 'failed', error: 'x' } });
  assert.match((await executor.run(reflect({}))).error ?? '', /the engine failed: x/);
});

test('what cannot be read never reaches the engine', async () => {
  const { calls, executor } = noting();
  const observed = await executor.run({ name: 'a', bytes: Buffer.from('nonsense\r\n\r\n') });
  assert.deepEqual([observed.status, observed.ids, calls], [400, [], []]);
});

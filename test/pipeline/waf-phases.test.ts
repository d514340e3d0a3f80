import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InspectPool, PoolAnswer } from '../../src/pipeline/inspect-pool.ts';
import { PHASES } from '../../src/pipeline/phases.ts';
import type { AuditedExchange } from '../../src/pipeline/waf-route.ts';
import type { Downstream, Source } from '../../src/transaction.ts';
import type { Refusal, Verdict } from '../../src/verdict.ts';
import type { RuleEngine } from '../../src/waf/engine.ts';
import type { Inspection, Interruption, PhaseOutcome } from '../../src/waf/inspection.ts';
import { MINIMAL } from '../config/support.ts';
import { PipelineBench } from '../support/pipeline-bench.ts';
import { engineOf } from '../support/waf.ts';

const PASSED: PhaseOutcome = { kind: 'pass' };

/** An engine whose phases come to what a test says: the product's own does not fail on demand. */
function engineThat(outcomes: Partial<Record<'head' | 'body' | 'answer' | 'log', PhaseOutcome>>): RuleEngine {
  const inspection: Inspection = {
    requestHeaders: () => outcomes.head ?? PASSED,
    wantsRequestBody: false,
    requestBody: () => outcomes.body ?? PASSED,
    responseHeaders: () => PASSED,
    wantsResponseBody: true,
    responseBody: () => outcomes.answer ?? PASSED,
    logging: () => outcomes.log ?? PASSED,
    matches: [],
    interruption: null,
    score: () => '',
    wantsAudit: true,
    auditParts: 'ABEHZ',
  } as Partial<Inspection> as Inspection;
  return { begin: () => inspection, resume: () => inspection };
}

const NONE = () => ({ live: null });

function benchOf(engine: RuleEngine, waf = '', mode = 'block'): { bench: PipelineBench; audited: AuditedExchange[] } {
  const audited: AuditedExchange[] = [];
  const text = `waf: { rules: [/srv/*.conf], ${waf} }\n${MINIMAL}    policies: { waf: { mode: ${mode} } }\n`;
  const audit = { write: (one: AuditedExchange) => void audited.push(one) };
  return {
    bench: new PipelineBench(text, { waf: { engine: () => engine, patches: NONE, audit, offload: () => null } }),
    audited,
  };
}

const named = (name: string) => PHASES.find((row) => row.name === name);

test('without rules the phases are absent', () => {
  for (const name of ['waf-headers', 'waf-body', 'waf-response']) {
    assert.equal(named(name)?.compile(new PipelineBench().context), null, name);
  }
});

describe('a failure', () => {
  const failed: PhaseOutcome = { kind: 'failed', error: new Error('planted') };

  test('refuses with 500 and is logged once, however many phases fail', () => {
    const { bench, audited } = benchOf(engineThat({ head: failed, log: failed }));
    const { tx, sent } = bench.run();
    assert.deepEqual([sent[0], tx.code], ['500 Internal Server Error', 'SP_WAF_FAILED']);
    assert.doesNotMatch(sent.join(''), /planted/);
    assert.equal(bench.errors.length, 1);
    assert.match(JSON.stringify(bench.errors[0]), /planted/);
    assert.deepEqual(
      audited.map(({ outcome }) => outcome),
      ['failed'],
    );
    assert.deepEqual(bench.accessLines[0]?.waf, { outcome: 'failed', rules: [] });
  });

  test('lets the request go on where the configuration, or the mode, says so', () => {
    // Behind the firewall there is no upstream here.
    for (const [waf, mode] of [
      ['onFailure: pass', 'block'],
      ['', 'detect'],
    ] as const) {
      const { bench } = benchOf(engineThat({ head: failed, body: failed }), waf, mode);
      assert.equal(bench.run().tx.code, 'SP_INTERNAL', `${waf} ${mode}`);
      assert.equal(bench.errors.length, 1);
    }
  });
});

test('what a rule keeps from ending the request is told as detected', () => {
  const rules = `
SecAction "id:1,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"
SecRule REQUEST_METHOD "@streq GET" "id:2,phase:2,deny,log"
`;
  const { bench } = benchOf(engineOf(rules));
  assert.equal(bench.run().tx.code, 'SP_INTERNAL', 'it went on: behind the firewall there is no upstream here');
  assert.deepEqual(bench.accessLines[0]?.waf, { outcome: 'detected', rules: [2] });
});

describe('what rules ask for', () => {
  const ending = (interruption: Partial<Interruption>): string[] => {
    const whole: Interruption = { kind: 'deny', status: 403, url: '', ruleId: 7, ...interruption };
    const { bench } = benchOf(engineThat({ body: { kind: 'interrupt', interruption: whole } }));
    const { sent, tx } = bench.run();
    assert.deepEqual([tx.code, tx.reason], ['SP_WAF_BLOCKED', 'rule 7']);
    return sent;
  };

  test('a status of refusal is taken, any other is 403', () => {
    assert.equal(ending({})[0], '403 Forbidden');
    assert.equal(ending({ status: 404 })[0], '404 Not Found');
    assert.equal(ending({ status: 503 })[0], '503 Service Unavailable');
    for (const status of [200, 302, 600, 0]) assert.equal(ending({ status })[0], '403 Forbidden', String(status));
    assert.equal(JSON.parse(ending({ status: 404 })[1] ?? '').status, 404);
  });

  test('a redirect to what a field can carry', () => {
    assert.equal(ending({ kind: 'redirect', status: 303, url: 'https://b.test/' })[0], '303 See Other');
    for (const url of ['', 'https://b.test/\r\nx: y', 'https://b.test/\xe9']) {
      assert.equal(ending({ kind: 'redirect', status: 302, url })[0], '403 Forbidden', JSON.stringify(url));
    }
  });

  test('a closed connection', () => {
    assert.deepEqual(ending({ kind: 'drop' }), ['(closed)']);
  });
});

describe('a body that was handed over', () => {
  const ATTACK = engineOf('SecRule REQUEST_BODY "@contains attack" "id:1,phase:2,deny,status:406,log"\n');

  /** What a route makes of an answer about a body with an attack. */
  function verdictOn(answer: PoolAnswer, mode: string): { verdict: Verdict; bench: PipelineBench } {
    let done: (answer: PoolAnswer) => void = () => assert.fail('nothing was handed over');
    const pool = {
      ask: (_work: unknown, _limits: unknown, then: (answer: PoolAnswer) => void) => {
        done = then;
        return { cancel: () => {} };
      },
    } as unknown as InspectPool;
    const limits = { waitingMax: 1, deadlineMs: 1 };
    const offload = { pool, limits, bytesMin: 3, digest: '', profile: '' };
    const text = `waf: { rules: [/srv/*.conf] }\n${MINIMAL}    policies: { waf: { mode: ${mode} } }\n`;
    const engine = mode === 'block' ? ATTACK : engineOf('SecAction "id:1,phase:2,pass,nolog"\n', 'detect');
    const waf = { engine: () => engine, patches: NONE, audit: null, offload: () => offload };
    const bench = new PipelineBench(text, { waf });
    const { tx } = bench.request().down;
    tx.route = bench.context.routes[0] ?? null;
    named('waf-headers')?.compile(bench.context)?.(tx, 0);
    const decided: Verdict[] = [];
    const first = tx.inspection?.body(tx, Buffer.from('an attack'), false, (decide) => void decided.push(decide()));
    assert.equal(first?.kind, 'pending');
    done(answer);
    assert.equal(decided.length, 1);
    return { verdict: decided[0] as Verdict, bench };
  }

  test('is inspected here where an inspect thread does not have its rules', () => {
    const { verdict } = verdictOn({ kind: 'unknown' }, 'block');
    assert.deepEqual([verdict.kind, (verdict as Refusal).status], ['refuse', 406]);
  });

  test('is refused where the thread died or is late, and passes in detection', () => {
    for (const [kind, code] of [
      ['died', 'SP_WAF_FAILED'],
      ['late', 'SP_WAF_BUSY'],
    ] as const) {
      const { verdict } = verdictOn({ kind }, 'block');
      assert.deepEqual([verdict.kind, (verdict as Refusal).code], ['refuse', code]);
      const detected = verdictOn({ kind }, 'detect');
      assert.equal(detected.verdict.kind, 'pass');
      assert.equal(detected.bench.errors.length, kind === 'died' ? 1 : 0);
    }
  });
});

describe('an answer that is held', () => {
  const LEAK = engineOf(
    'SecRule RESPONSE_BODY "@contains secret" "id:1,phase:4,deny,log,auditlog,ctl:auditLogParts=+E"\n',
  );

  /** As an upstream call does when a head is there. */
  function answering(waf = '') {
    const { bench, audited } = benchOf(LEAK, `requestBodyBytesMax: 10, responseBodyBytesMax: 10, ${waf}`);
    const { down, sent } = bench.request();
    let aborted = 0;
    const onAbort = (): void => {
      aborted += 1;
    };
    const source: Source = { onBody: () => {}, onDrain: () => {}, onAbort };
    const { tx } = down;
    tx.route = bench.context.routes[0] ?? null;
    for (const name of ['waf-headers', 'waf-body']) named(name)?.compile(bench.context)?.(tx, 0);
    down.attach(source);
    tx.status = 200;
    tx.answerHead = Buffer.from('200 OK\r\nContent-Type: text/html; charset=utf-8');
    assert.equal(named('waf-response')?.compile(bench.context)?.(tx, 0).kind, 'pass');
    const held: Downstream = tx.downstream;
    assert.notEqual(held, down);
    return { tx, held, down, sent, audited, aborted: () => aborted };
  }

  const HEAD = Buffer.from('200 OK\r\ncontent-type: text/html');

  test('is given whole, its length known now', () => {
    const { held, sent, tx, down } = answering();
    held.begin(200, HEAD, -1);
    const lent = Buffer.from('hello');
    assert.equal(held.write(lent), true);
    lent.fill(0);
    assert.deepEqual([sent, held.begun], [[], false]);
    held.end();
    assert.deepEqual(sent, ['200 OK', 'hello']);
    assert.deepEqual([tx.downstream, tx.finished], [down, true]);
  });

  test('is not given where rules say so; what they saw is audited', () => {
    const { held, sent, tx, audited } = answering();
    held.begin(200, HEAD, -1);
    held.write(Buffer.from('a se'));
    held.write(Buffer.from('cret'));
    held.end();
    assert.deepEqual([sent[0], tx.code], ['403 Forbidden', 'SP_WAF_BLOCKED']);
    assert.doesNotMatch(sent[1] ?? '', /secret/);
    assert.equal(audited[0]?.answerBody.toString(), 'a secret');
  });

  test('over the bound: refused, and the upstream is let go', () => {
    const { held, sent, tx, aborted } = answering('responseBodyOver: refuse');
    held.begin(200, HEAD, -1);
    held.write(Buffer.from('0123456789'));
    held.write(Buffer.from('0'));
    assert.deepEqual([sent[0], tx.code, aborted()], ['502 Bad Gateway', 'SP_WAF_ANSWER_TOO_LARGE', 1]);
  });

  test('whoever answers fails in the middle: the client gets that refusal, and nothing of the answer', () => {
    const { held, sent, tx } = answering();
    held.begin(200, HEAD, -1);
    held.write(Buffer.from('half'));
    tx.owner.refuse(tx, { kind: 'refuse', code: 'SP_UPSTREAM_RESET', detail: undefined, fields: undefined });
    assert.equal(sent[0], '502 Bad Gateway');
    assert.doesNotMatch(sent[1] ?? '', /half/);
    assert.equal(tx.inspection === null, false);
  });

  test('an answer without a body is not held up', () => {
    const { held, sent } = answering();
    held.respondEmpty(204, Buffer.from('204 No Content'), -1);
    assert.deepEqual(sent, ['204 No Content', '(no body)']);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { TimerWheel } from '../../src/base/timer-wheel.ts';
import { InspectPool, type PoolAnswer, type PoolWork } from '../../src/pipeline/inspect-pool.ts';
import { InspectThread } from '../../src/pipeline/inspect-thread.ts';
import type {
  FromInspect,
  InspectAnswer,
  InspectJob,
  InspectRules,
  ToInspect,
} from '../../src/pipeline/inspect-wire.ts';
import { createMetricsTable, OFFLOADS_UNDER_WAY } from '../../src/telemetry/layout.ts';
import { ThreadMetrics } from '../../src/telemetry/metrics.ts';
import { MetricsTotals } from '../../src/telemetry/totals.ts';
import { createCollectionWords } from '../../src/waf/collections/layout.ts';
import { engineOf, PROFILE, WAF_DEFAULTS } from '../support/rule-sets.ts';
import { factsOf } from '../support/waf.ts';
import { until } from '../support/wait.ts';

const RULE = 'SecRule REQUEST_BODY "@contains attack" "id:1,phase:2,deny,log"\n';
const LIMITS = { waitingMax: 2, deadlineMs: 1_000 };

/** Work by the rules of `digest`. */
function workOf(digest: string, text = 'an attack', patches = ''): PoolWork {
  const facts = factsOf({ method: 'POST' });
  const inspection = engineOf(RULE).begin(facts);
  inspection.requestHeaders();
  const profile = JSON.stringify(PROFILE);
  const snapshot = inspection.snapshot();
  return { digest, profile, patches, facts, snapshot, text: Buffer.from(text), isPartial: false };
}

function poolBench() {
  const table = createMetricsTable(1, 1);
  const wheel = new TimerWheel(0);
  const pool = new InspectPool(wheel, new ThreadMetrics(table, 0));
  const totals = new MetricsTotals(table);
  const answers: string[] = [];
  const ask = (name: string, text?: string) =>
    pool.ask(workOf('now', text), LIMITS, ({ kind }) => void answers.push(`${name} ${kind}`));
  return { pool, wheel, answers, ask, underWay: () => totals.thread(OFFLOADS_UNDER_WAY) };
}

/** The other end of a port: keeps jobs, answers when told. */
function threadOf(pool: InspectPool) {
  const { port1, port2 } = new MessageChannel();
  const jobs: string[] = [];
  port1.on('message', ({ body }: InspectJob) => void jobs.push(Buffer.from(body).toString()));
  pool.join(port2);
  return { jobs, answer: () => port1.postMessage({ kind: 'unknown' } satisfies InspectAnswer), port: port1 };
}

describe('bodies of one ingress thread', () => {
  test('are given out one at a time, in order; so many wait', async () => {
    const { pool, answers, ask, underWay } = poolBench();
    assert.ok(ask('a', 'A') && ask('b', 'B'), 'wait for a first thread');
    assert.equal(ask('c'), null);
    assert.equal(underWay(), 2);
    const thread = threadOf(pool);
    assert.ok(ask('d', 'D'));
    assert.equal(ask('e'), null);
    for (const [at, jobs] of [['A'], ['A', 'B'], ['A', 'B', 'D']].entries()) {
      await until('a job', () => thread.jobs.length === at + 1);
      assert.deepEqual(thread.jobs, jobs);
      thread.answer();
    }
    await until('answers', () => answers.length === 3);
    assert.deepEqual([answers, underWay()], [['a unknown', 'b unknown', 'd unknown'], 0]);
    pool.close();
  });

  test('are forgotten when their clients leave: what the thread says of them is nobody’s', async () => {
    const { pool, answers, ask, underWay } = poolBench();
    const thread = threadOf(pool);
    const [first, second] = [ask('a', 'A'), ask('b', 'B')];
    ask('c', 'C');
    first?.cancel();
    second?.cancel();
    second?.cancel();
    assert.equal(underWay(), 1);
    await until('the first', () => thread.jobs.length === 1);
    thread.answer();
    await until('the third', () => thread.jobs.length === 2);
    thread.answer();
    await until('its answer', () => answers.length === 1);
    assert.deepEqual([thread.jobs, answers, underWay()], [['A', 'C'], ['c unknown'], 0]);
    pool.close();
  });

  test('are late after their deadline; the thread is busy until it says something', async () => {
    const { pool, wheel, answers, ask } = poolBench();
    const thread = threadOf(pool);
    ask('a', 'A');
    ask('b', 'B');
    for (let now = 0; now <= 1_200; now += 50) wheel.advance(now);
    // Both in one tick of the wheel, in any order.
    assert.deepEqual(answers.sort(), ['a late', 'b late']);
    ask('c', 'C');
    await until('the first', () => thread.jobs.length === 1);
    thread.answer();
    await until('the third', () => thread.jobs.length === 2);
    thread.answer();
    await until('its answer', () => answers.length === 3);
    assert.deepEqual(
      [thread.jobs, answers],
      [
        ['A', 'C'],
        ['a late', 'b late', 'c unknown'],
      ],
    );
    pool.close();
  });

  test('are lost with the thread that has them, and with no other', async () => {
    const { pool, answers, ask } = poolBench();
    const [gone, stays] = [threadOf(pool), threadOf(pool)];
    ask('a');
    ask('b');
    await until('both', () => gone.jobs.length === 1 && stays.jobs.length === 1);
    ask('c', 'C');
    gone.port.close();
    await until('the end', () => answers.length === 1);
    assert.deepEqual(answers, ['a died']);
    stays.answer();
    await until('the next', () => stays.jobs.length === 2);
    pool.close();
    assert.deepEqual(answers, ['a died', 'b unknown', 'c late']);
    assert.equal(ask('d'), null);
  });
});

describe('an inspect thread', () => {
  const rulesOf = (number: number, digest: string, text: string): InspectRules => ({
    number,
    rules: {
      entries: { setup: [], rules: ['/rules.conf'] },
      recorded: { texts: new Map([['/rules.conf', text]]), expansions: new Map() },
      digest,
      profiles: [JSON.stringify(PROFILE), JSON.stringify({ ...PROFILE, mode: 'off' })],
      ids: new Map(),
      tables: null,
    },
    patches: null,
    reading: {
      argumentsMax: 10,
      gate: true,
      jsonDepthMax: 10,
      responseTypes: WAF_DEFAULTS.responseTypes,
      audit: { parts: 'AZ' },
    },
  });

  async function withThread(
    run: (
      ask: (digest: string, patches?: string) => Promise<PoolAnswer>,
      use: (rules: InspectRules) => Promise<void>,
    ) => Promise<void>,
  ): Promise<void> {
    const { port1: main, port2: control } = new MessageChannel();
    const ready: number[] = [];
    main.on('message', ({ number }: FromInspect) => void ready.push(number));
    const collectionWords = createCollectionWords(16, 65_536);
    const thread = new InspectThread({ control, collectionWords, hashSeeds: [1, 2], rules: rulesOf(1, 'one', RULE) });
    const ended = thread.run();
    const say = (message: ToInspect, ports: MessagePort[] = []): void => main.postMessage(message, ports);
    const { pool } = poolBench();
    const { port1, port2 } = new MessageChannel();
    say({ kind: 'ingress', port: port1 }, [port1]);
    pool.join(port2);
    const use = async (rules: InspectRules): Promise<void> => {
      say({ kind: 'rules', rules });
      await until('the rules', () => ready.includes(rules.number));
    };
    const work = (digest: string, patches?: string) => workOf(digest, 'an attack', patches);
    await run((digest, patches) => new Promise((resolve) => pool.ask(work(digest, patches), LIMITS, resolve)), use);
    say({ kind: 'end' });
    await ended;
    pool.close();
    main.close();
  }

  test('runs phase 2 by the rules that a request began with: those of now, and those of before', async () => {
    await withThread(async (ask, use) => {
      const statusOf = (answer: PoolAnswer): number | string =>
        answer.kind === 'done' && answer.outcome.kind === 'interrupt'
          ? answer.outcome.interruption.status
          : answer.kind;
      assert.equal(statusOf(await ask('one')), 403);
      assert.equal(statusOf(await ask('two')), 'unknown');
      await use(rulesOf(2, 'two', RULE.replace('deny', 'deny,status:406')));
      assert.deepEqual([statusOf(await ask('one')), statusOf(await ask('two'))], [403, 406]);
      await use(rulesOf(3, 'three', RULE.replace('deny', 'deny,status:409')));
      assert.deepEqual(
        [statusOf(await ask('one')), statusOf(await ask('two')), statusOf(await ask('three'))],
        ['unknown', 406, 409],
      );
      // A reload is taken back.
      await use(rulesOf(2, 'two', RULE));
      assert.deepEqual([statusOf(await ask('three')), statusOf(await ask('two'))], [409, 406]);
    });
  });

  test('runs patches before the rules: those that a request began with', async () => {
    await withThread(async (ask, use) => {
      const statusOf = (answer: PoolAnswer): number | string =>
        answer.kind === 'done' && answer.outcome.kind === 'interrupt'
          ? answer.outcome.interruption.status
          : answer.kind;
      const patched = (number: number, status: number): InspectRules => {
        const text = `SecRule REQUEST_BODY "@contains attack" "id:9,phase:2,deny,status:${status}"\n`;
        const recorded = { texts: new Map([['/p.conf', text]]), expansions: new Map() };
        const patches = { number, digest: `p${status}`, paths: ['/p.conf'], recorded };
        return { ...rulesOf(number, 'one', RULE), patches };
      };
      assert.equal(statusOf(await ask('one', 'p406')), 'unknown');
      await use(patched(2, 406));
      assert.deepEqual([statusOf(await ask('one', 'p406')), statusOf(await ask('one'))], [406, 403]);
      await use(patched(3, 409));
      assert.deepEqual([statusOf(await ask('one', 'p406')), statusOf(await ask('one', 'p409'))], [406, 409]);
      await use(patched(4, 410));
      assert.deepEqual([statusOf(await ask('one', 'p406')), statusOf(await ask('one', 'p410'))], ['unknown', 410]);
      // Other rules: the same patches before them.
      await use({ ...patched(5, 410), rules: rulesOf(5, 'two', RULE).rules });
      assert.equal(statusOf(await ask('two', 'p410')), 410);
    });
  });

  test('says what went wrong in words: the error itself may hold what cannot be sent', async () => {
    // A macro makes the pattern unreadable: the rule fails while it runs.
    await withThread(async (ask, use) => {
      await use(rulesOf(2, 'fails', 'SecRule REQUEST_BODY "@rx %{REQUEST_METHOD}(" "id:1,phase:2,deny"\n'));
      const answer = await ask('fails');
      assert.equal(answer.kind, 'done');
      const { outcome } = answer as Extract<PoolAnswer, { readonly kind: 'done' }>;
      assert.equal(outcome.kind, 'failed');
      assert.equal(typeof (outcome as { readonly error: unknown }).error, 'string');
    });
  });
});

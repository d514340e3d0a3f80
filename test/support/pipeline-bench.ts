import assert from 'node:assert/strict';
import { TimerWheel } from '../../src/base/timer-wheel.ts';
import { HttpDownstream } from '../../src/http/downstream.ts';
import type { HttpResponse } from '../../src/http/uws-types.ts';
import { compileClientAddresses } from '../../src/message/client-address.ts';
import { compileProblems } from '../../src/message/problem.ts';
import type { PhaseContext } from '../../src/pipeline/context.ts';
import { capturedNames } from '../../src/pipeline/hash-field.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import { compileRoutes } from '../../src/pipeline/routes.ts';
import { AccessLog } from '../../src/telemetry/access-log.ts';
import { createMetricsTable } from '../../src/telemetry/layout.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { ThreadMetrics } from '../../src/telemetry/metrics.ts';
import { MetricsTotals } from '../../src/telemetry/totals.ts';
import type { Transaction } from '../../src/transaction.ts';
import { load, MINIMAL } from '../config/support.ts';
import { freshAuth } from './auth.ts';
import { freshBans } from './bans.ts';
import { freshDecision } from './decision.ts';
import { freshTraffic } from './traffic.ts';

export type Line = Readonly<Record<string, unknown>>;

/** Everything a pipeline is built from, real but for the upstreams: no request gets that far here. */
export class PipelineBench {
  readonly context: PhaseContext;
  readonly pipeline: Pipeline;
  readonly wheel = new TimerWheel(0);
  readonly #access: string[] = [];
  readonly errors: Line[] = [];
  readonly totals: MetricsTotals;

  constructor(text = MINIMAL, replaced: Partial<PhaseContext> = {}) {
    const { config } = load(text);
    const access = new AccessLog(
      { thread: 0, query: false, redact: [], level: 'info', onLost: () => assert.fail('lost') },
      (lines) => {
        this.#access.push(lines);
        return true;
      },
    );
    const traffic = freshTraffic(config);
    const sink = (line: string): void => void this.errors.push(JSON.parse(line) as Line);
    const metricsTable = createMetricsTable(1, 1);
    this.totals = new MetricsTotals(metricsTable);
    this.context = {
      config,
      routes: compileRoutes(config, {}),
      captured: capturedNames(config),
      groups: [],
      clientAddresses: compileClientAddresses(config.trustedProxies),
      metrics: new ThreadMetrics(metricsTable, 0),
      policyRows: {},
      decision: freshDecision(),
      bans: freshBans(),
      auth: replaced.auth ?? freshAuth(config),
      traffic: traffic.thread.parts(config, traffic.keeper.assign(config)),
      strict: null,
      load: { requests: 0 },
      waf: null,
      lines: { access, accessOn: true },
      log: createLog({ level: 'info', redact: [], base: {}, sink }),
      ...replaced,
    };
    this.pipeline = new Pipeline(this.context, { problems: compileProblems('urn:test:') });
  }

  get accessLines(): Line[] {
    this.context.lines.access.flush();
    const text = this.#access.join('');
    return text === ''
      ? []
      : text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Line);
  }

  /** A request that the intake found sound, over uWS's response as far as it is touched. */
  request(fields: Partial<Transaction> = {}): { down: HttpDownstream; sent: string[] } {
    const sent: string[] = [];
    const text = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('latin1');
    const response = {
      cork: (callback: () => void) => callback(),
      writeStatus: (head: unknown) => void sent.push(text(head).split('\r\n', 1)[0] ?? ''),
      end: (body: unknown) => void sent.push(text(body)),
      endWithoutBody: () => void sent.push('(no body)'),
      close: () => void sent.push('(closed)'),
    };
    const settings = { bodyIdleMs: 1_000, bodyTotalMs: 1_000, responseIdleMs: 1_000, draining: () => false };
    const down = new HttpDownstream(
      response as unknown as HttpResponse,
      this.pipeline,
      { wheel: this.wheel, ...settings },
      Date.now(),
      performance.now(),
    );
    Object.assign(
      down.tx,
      { method: 'GET', authority: 'a.test', rawPath: '/', peer: '192.0.2.1', requestId: 'id' },
      fields,
    );
    this.pipeline.begin();
    return { down, sent };
  }

  run(fields: Partial<Transaction> = {}): { tx: Transaction; sent: string[] } {
    const { down, sent } = this.request(fields);
    this.pipeline.run(down.tx, Date.now());
    return { tx: down.tx, sent };
  }
}

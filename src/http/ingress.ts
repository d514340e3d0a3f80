import { BanTable } from '../abuse/ban-table.ts';
import { TimerWheel } from '../base/timer-wheel.ts';
import type { Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import type { IssuerKeysNews } from '../issuer-wire.ts';
import { Decision } from '../limiter/decision.ts';
import { KeyHash } from '../limiter/key-hash.ts';
import { SEED_0, SEED_1 } from '../limiter/layout.ts';
import { StrictLimiter } from '../limiter/strict.ts';
import { LimiterTable } from '../limiter/table.ts';
import { SlidingWindow } from '../limiter/window.ts';
import { compileClientAddresses } from '../message/client-address.ts';
import { compileProblems } from '../message/problem.ts';
import { compileAudit } from '../pipeline/audit-log.ts';
import type { ThreadBans, ThreadLines, ThreadLoad } from '../pipeline/context.ts';
import { capturedNames, hashReader, onceFields } from '../pipeline/hash-field.ts';
import { InspectPool } from '../pipeline/inspect-pool.ts';
import { Pipeline } from '../pipeline/pipeline.ts';
import { compileRoutes } from '../pipeline/routes.ts';
import { RedisClient } from '../redis/client.ts';
import { AccessLog } from '../telemetry/access-log.ts';
import { LineBatch } from '../telemetry/line-batch.ts';
import { LineSender } from '../telemetry/line-channel.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { ThreadMetrics } from '../telemetry/metrics.ts';
import { RequestIds } from '../telemetry/request-id.ts';
import { TargetHealth } from '../upstream/health.ts';
import { Upstreams } from '../upstream/upstreams.ts';
import { sharedCollections } from '../waf/collections/open.ts';
import { CollectionTable } from '../waf/collections/table.ts';
import { CallerParts } from './caller-parts.ts';
import { Front, type FrontGeneration } from './front.ts';
import type { FromIngress, Generation, IngressTask, ToIngress } from './ingress-wire.ts';
import { Intake } from './intake.ts';
import { Listeners } from './listeners.ts';
import { ThreadCallers } from './thread-auth.ts';
import { ThreadTraffic } from './thread-traffic.ts';
import { ThreadWaf } from './thread-waf.ts';
import { loadUws } from './uws.ts';

/** Log lines wait this long at most before they leave the thread. */
const FLUSH_MS = 100;
/** A drained thread waits until no new request has come for this long: kept-alive clients get their `close` by it. */
const QUIET_MS = 300;
/** Longest that a thread waits for a first connection to Redis before it listens. */
const REDIS_FIRST_MS = 500;

/**
 * One ingress thread: compiles configurations, listens, runs requests, and drains. Lives until `drain` is done.
 *
 * Threads: created and used on its own thread; talks to the main thread over `task.control` only.
 */
export class Ingress {
  readonly #task: IngressTask;
  readonly #wheel = new TimerWheel(performance.now());
  readonly #metrics: ThreadMetrics;
  readonly #upstreams: Upstreams;
  readonly #load: ThreadLoad = { requests: 0 };
  readonly #decision: Decision;
  readonly #bans: ThreadBans;
  readonly #traffic: ThreadTraffic;
  readonly #callers: CallerParts;
  readonly #auth: ThreadCallers;
  readonly #inspectors: InspectPool;
  readonly #waf: ThreadWaf;
  readonly #audit: LineBatch;
  #strict: StrictLimiter | null = null;
  readonly #sender: LineSender;
  readonly #lines: ThreadLines;
  readonly #front: Front;
  readonly #listeners: Listeners;
  readonly #timers: NodeJS.Timeout[] = [];
  /** The first try to reach Redis is over. */
  #connected: Promise<void> = Promise.resolve();
  #log: Log;
  #draining = false;
  #finish: () => void = () => {};
  #lastBusyAt = 0;

  constructor(task: IngressTask) {
    this.#task = task;
    const { config } = task.generation;
    this.#metrics = new ThreadMetrics(task.metricsTable, task.threadIndex);
    const health = new TargetHealth(task.targetTable, task.threadIndex);
    this.#upstreams = new Upstreams({ wheel: this.#wheel, health, events: this.#metrics, threads: task.threads });
    const hash = hashOver(task.limiterWords);
    this.#decision = new Decision(new LimiterTable(task.limiterWords), hash);
    this.#bans = {
      table: new BanTable(task.banWords),
      hash,
      window: new SlidingWindow(new LimiterTable(task.limiterWords)),
      report: (made) => this.#say(made),
    };
    this.#traffic = new ThreadTraffic(task.trafficWords, task.threadIndex, config);
    this.#callers = new CallerParts({
      task,
      newHash: () => hashOver(task.limiterWords),
      say: (wanted) => this.#say(wanted),
      log: () => this.#log,
      metrics: this.#metrics,
    });
    this.#auth = new ThreadCallers(this.#callers);
    this.#inspectors = new InspectPool(this.#wheel, this.#metrics);
    this.#waf = new ThreadWaf(
      sharedCollections(new CollectionTable(task.collectionWords, hashOver(task.limiterWords))),
      this.#inspectors,
    );
    this.#sender = new LineSender(task.lines);
    const auditSender = new LineSender(task.audit);
    this.#audit = new LineBatch(
      { thread: task.threadIndex, onLost: (lines) => this.#metrics.logLinesLost(lines) },
      (chunk) => auditSender.send(chunk),
    );
    this.#lines = { access: this.#accessLog(config), accessOn: config.log.access };
    this.#log = this.#createLog(config);
    this.#front = new Front(
      this.#compile(task.generation, this.#log, task.issuerKeys),
      new RequestIds(task.threadIndex),
    );
    this.#listeners = new Listeners(this.#front, config, task.tls, (delta) => this.#metrics.websockets(delta));
  }

  /** Runs a thread until it has drained, or says why it cannot: an error's code would not survive the way to main. */
  static async serve(task: IngressTask): Promise<void> {
    let ingress: Ingress;
    try {
      ingress = new Ingress(task);
    } catch (error) {
      task.control.postMessage({ kind: 'failed', ...describe(error) } satisfies FromIngress);
      task.control.close();
      task.lines.close();
      task.audit.close();
      return;
    }
    await ingress.run();
  }

  /** Serves until drained. When a listening address cannot be opened it says so and ends. */
  async run(): Promise<void> {
    const { control } = this.#task;
    const done = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    // Without this a worker that ends with open sockets takes the process down (uv_loop_close with open handles).
    process.once('exit', () => this.#listeners.close());
    control.on('message', (message: ToIngress) => this.#onMessage(message));
    this.#startTimers();
    await this.#firstTry();
    try {
      this.#listeners.accept(this.#task.accepting);
    } catch (error) {
      this.#say({ kind: 'failed', ...describe(error) });
      this.#stop();
      return;
    }
    this.#say({ kind: 'listening' });
    await done;
    this.#stop();
  }

  /** Requests that come before there is a connection would be decided without Redis. */
  async #firstTry(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, REDIS_FIRST_MS);
    });
    await Promise.race([this.#connected, patience]);
    clearTimeout(timer);
  }

  #onMessage(message: ToIngress): void {
    switch (message.kind) {
      case 'reload':
        this.#reload(message.generation, message.issuerKeys);
        return;
      case 'issuer-keys':
      case 'keys':
        this.#callers.receive(message);
        return;
      case 'tls':
        this.#say({
          kind: 'tls-applied',
          number: message.material.generation,
          error: this.#applyTls(message.material),
        });
        return;
      case 'patches':
        this.#say({ kind: 'patched', number: message.number, error: this.#patch(message.patches) });
        return;
      case 'accept':
        if (!this.#draining) this.#listeners.accept(message.accepting);
        return;
      case 'inspector':
        this.#inspectors.join(message.port);
        return;
      case 'drain':
        this.#drain(message.deadlineMs);
        return;
    }
  }

  #applyTls(material: NonNullable<IngressTask['tls']>): string | null {
    try {
      this.#listeners.rotate(material);
      return null;
    } catch (error) {
      return describe(error).message;
    }
  }

  #patch(patches: Generation['wafPatches']): string | null {
    try {
      this.#waf.patch(patches);
      return null;
    } catch (error) {
      return describe(error).message;
    }
  }

  #reload(generation: Generation, issuerKeys: readonly IssuerKeysNews[]): void {
    let error: string | null = null;
    try {
      const log = this.#createLog(generation.config);
      const compiled = this.#compile(generation, log, issuerKeys);
      this.#lines.access.flush();
      this.#lines.access = this.#accessLog(generation.config);
      this.#lines.accessOn = generation.config.log.access;
      this.#log = log;
      this.#front.generation = compiled;
      this.#callers.settle(generation.config);
    } catch (caught) {
      error = describe(caught).message;
    }
    this.#say({ kind: 'reloaded', number: generation.number, error });
  }

  #compile(generation: Generation, log: Log, issuerKeys: readonly IssuerKeysNews[]): FrontGeneration {
    const { config, plan, routeRows, policyRows, trafficRows, wafRules, wafPatches } = generation;
    const captured = capturedNames(config);
    const groups = this.#upstreams.compile(config, plan, (hashBy) => hashReader(hashBy, captured));
    const keys = this.#callers.use(generation, issuerKeys);
    const clientAddresses = compileClientAddresses(config.trustedProxies);
    const audit = compileAudit(config, this.#task.threadIndex, {
      file: (record) => this.#audit.append(record),
      log: (line) => this.#lines.access.append(line),
    });
    const waf = this.#waf.parts(config, wafRules, wafPatches, audit);
    const pipeline = new Pipeline(
      {
        config,
        routes: compileRoutes(config, routeRows),
        captured,
        groups,
        clientAddresses,
        metrics: this.#metrics,
        policyRows,
        decision: this.#decision,
        bans: this.#bans,
        auth: this.#auth.compile(config, keys, generation.tokenKey, generation.loginAuthorities),
        traffic: this.#traffic.parts(config, trafficRows),
        strict: this.#strictFor(config),
        waf,
        load: this.#load,
        lines: this.#lines,
        log,
      },
      { problems: compileProblems(config.problems.typeBase) },
    );
    return {
      pipeline,
      intake: new Intake(
        { ...config.limits, contentLengthMax: loadUws().contentLengthMax, keepFields: waf !== null },
        captured,
        onceFields(config),
      ),
      settings: { wheel: this.#wheel, ...config.timeouts, draining: () => this.#draining },
      trustsPeer: (peer) => clientAddresses.trusts(peer),
    };
  }

  /** Made once, by the first configuration with a strict rate limit; settings of Redis do not change. */
  #strictFor({ redis, rateLimits }: Config): StrictLimiter | null {
    if (this.#strict !== null || !Object.values(rateLimits).some(({ mode }) => mode === 'strict')) return this.#strict;
    const client = new RedisClient(redis, this.#task.redisAuthorities);
    this.#strict = new StrictLimiter(
      client,
      new LimiterTable(this.#task.limiterWords),
      redis.prefix,
      // Looked up each time: a reload replaces the log.
      (context, message) => this.#log.warn(context, message),
    );
    this.#connected = this.#strict.connect();
    return this.#strict;
  }

  #accessLog(config: Config): AccessLog {
    return new AccessLog(
      {
        thread: this.#task.threadIndex,
        query: config.log.query,
        redact: [...config.log.redact, ...(config.apiKeys.query === '' ? [] : [config.apiKeys.query])],
        level: config.log.level,
        onLost: (lines) => this.#metrics.logLinesLost(lines),
      },
      (chunk) => this.#sender.send(chunk),
    );
  }

  #createLog(config: Config): Log {
    return createLog({
      level: config.log.level,
      redact: config.log.redact,
      base: { thread: this.#task.threadIndex },
      sink: (line) => this.#lines.access.append(line),
    });
  }

  #startTimers(): void {
    const { tickMs } = this.#wheel;
    const { shedder } = this.#traffic;
    let last = performance.now();
    const tick = setInterval(() => {
      const now = performance.now();
      const delayMs = Math.max(0, now - last - tickMs);
      this.#metrics.loopDelay(delayMs, now);
      shedder.loopDelay(delayMs);
      this.#metrics.shedLevel(shedder.level);
      this.#callers.measure();
      last = now;
      this.#wheel.advance(now);
    }, tickMs);
    this.#timers.push(
      tick,
      setInterval(() => this.#flush(), FLUSH_MS),
    );
  }

  #flush(): void {
    this.#lines.access.flush();
    this.#audit.flush();
  }

  #drain(deadlineMs: number): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#listeners.accept(false);
    this.#listeners.closeWebSockets();
    const startedAt = performance.now();
    this.#lastBusyAt = startedAt;
    let lastWords = false;
    const watch = setInterval(() => {
      const now = performance.now();
      // Those that were still waiting to be opened, too.
      this.#listeners.closeWebSockets();
      if (!lastWords && now - startedAt >= deadlineMs) {
        // Who still waits is told so; the answers leave before the next look.
        lastWords = true;
        this.#traffic.close();
        this.#inspectors.close();
        return;
      }
      if (this.#load.requests > 0 || this.#listeners.webSockets > 0) this.#lastBusyAt = now;
      if (now - this.#lastBusyAt < QUIET_MS && now - startedAt < deadlineMs) return;
      clearInterval(watch);
      if (this.#load.requests > 0)
        this.#log.warn({ requests: this.#load.requests }, 'drain deadline: requests are cut');
      this.#finish();
    }, 20);
  }

  #stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#traffic.close();
    this.#inspectors.close();
    this.#strict?.stop();
    this.#callers.close();
    this.#listeners.close();
    this.#upstreams.close();
    this.#lines.access.flush();
    this.#audit.flush();
    this.#task.control.close();
    this.#task.lines.close();
    this.#task.audit.close();
  }

  #say(message: FromIngress): void {
    this.#task.control.postMessage(message);
  }
}

function hashOver(words: Int32Array): KeyHash {
  return new KeyHash(words[SEED_0] as number, words[SEED_1] as number);
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof SallyportError) return { code: error.code, message: error.message };
  return { code: 'SP_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

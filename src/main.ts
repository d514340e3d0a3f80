import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { type ReloadResult, startAdmin } from './admin/server.ts';
import { coalesced } from './base/coalesce.ts';
import { Turns } from './base/turns.ts';
import { packageVersion } from './base/version.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { ConfigError, describeProblem } from './config/problems.ts';
import { needsRestart } from './config/reload.ts';
import type { Config } from './config/schema.ts';
import { SallyportError } from './errors.ts';
import { AuditKeeper } from './gateway/audit-keeper.ts';
import { type Bans, configureBans, createBans } from './gateway/bans.ts';
import { DescriptorWatch } from './gateway/descriptors.ts';
import { InspectThreads } from './gateway/inspect-threads.ts';
import { IssuerKeeper } from './gateway/issuer-keeper.ts';
import { configureKeys, createKeys, type Keys } from './gateway/keys.ts';
import { LimiterKeeper } from './gateway/limiter-keeper.ts';
import { NameRows } from './gateway/name-rows.ts';
import { nonceSecret } from './gateway/nonce-secret.ts';
import { PatchKeeper } from './gateway/patch-keeper.ts';
import { RedisKeeper } from './gateway/redis-keeper.ts';
import { configureRevocations, createRevocations, type Revocations } from './gateway/revocations.ts';
import { Threads } from './gateway/threads.ts';
import { type ReadCertificates, TlsKeeper } from './gateway/tls-keeper.ts';
import { TrafficKeeper, trafficPolicyNames } from './gateway/traffic-keeper.ts';
import { readWafRules } from './gateway/waf-rules.ts';
import type { Generation } from './http/ingress-wire.ts';
import { setHeadBytesMax } from './http/uws.ts';
import { POLICIES_METERED_MAX, ROUTES_METERED_MAX, WAF_COLLECTION_BYTES_MAX, WAF_COLLECTIONS_MAX } from './limits.ts';
import { banPolicyNames } from './pipeline/ban.ts';
import type { InspectRules } from './pipeline/inspect-wire.ts';
import type { WafPatches } from './pipeline/waf-patches.ts';
import { offloads, type WafRules } from './pipeline/waf-rules.ts';
import { createReplayWords } from './replay/layout.ts';
import { ReplayTable } from './replay/replay-table.ts';
import { createMetricsTable } from './telemetry/layout.ts';
import { createLog, type Log } from './telemetry/log.ts';
import { LogWriter } from './telemetry/log-writer.ts';
import { MainMetrics } from './telemetry/main-metrics.ts';
import { createMetricsRenderer } from './telemetry/render.ts';
import {
  readAuthorities,
  readIntrospectionAuthorities,
  readLoginAuthorities,
  readTokenKey,
} from './tls/authorities.ts';
import { ActiveChecks } from './upstream/active-check.ts';
import { TargetHealth } from './upstream/health.ts';
import { createTargetTable, MAIN_THREAD } from './upstream/layout.ts';
import { compileTargets, SlotRegistry, type Target } from './upstream/targets.ts';
import { clientTls } from './upstream/upstreams.ts';
import { createCollectionWords } from './waf/collections/layout.ts';

export interface GatewayOptions {
  readonly configFile?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Module that runs an ingress thread; the product's own when absent. Tests plant faults with it. */
  readonly threadEntry?: URL;
}

export interface Gateway {
  readonly addresses: { readonly http?: string; readonly https?: string; readonly admin?: string };
  readonly config: Config;
  reload(): Promise<ReloadResult>;
  /** Drains and ends everything. @returns the exit code. */
  stop(): Promise<number>;
}

const DESCRIPTOR_WATCH_MS = 250;

/**
 * Starts the gateway: configuration, shared tables, threads, admin listener, watches.
 *
 * @throws  SallyportError with every problem of the configuration, or why an address cannot be listened on.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const running = new RunningGateway(options);
  try {
    await running.start();
  } catch (error) {
    await running.abandon();
    throw error;
  }
  return running;
}

class RunningGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #loaded: LoadedConfig;
  readonly #writer: LogWriter;
  readonly #audit = new AuditKeeper();
  readonly #metrics = new MainMetrics();
  readonly #targetTable = createTargetTable();
  readonly #health = new TargetHealth(this.#targetTable, MAIN_THREAD);
  readonly #slots = new SlotRegistry(this.#health);
  readonly #rows = new NameRows(ROUTES_METERED_MAX);
  readonly #policyRows = new NameRows(POLICIES_METERED_MAX);
  readonly #limiter: LimiterKeeper;
  readonly #bans: Bans;
  readonly #keys: Keys | null;
  readonly #revocations: Revocations;
  readonly #replayWords: Int32Array<SharedArrayBuffer>;
  readonly #traffic: TrafficKeeper;
  readonly #redis: RedisKeeper | null;
  readonly #issuers: IssuerKeeper;
  readonly #checks: ActiveChecks;
  readonly #threads: Threads;
  readonly #inspectors: InspectThreads;
  readonly #tls: TlsKeeper;
  readonly #descriptors: DescriptorWatch;
  readonly #metricsTable: SharedArrayBuffer;
  readonly #watches: NodeJS.Timeout[] = [];
  readonly #startedAtMs = Date.now();
  #admin: { readonly port: number; close(): Promise<void> } | null = null;
  #log: Log;
  /** As they were read last. */
  #wafRules: WafRules | null = null;
  /** Reloads and patches: what one reads, the other must not change meanwhile. */
  readonly #turns = new Turns();
  readonly #patches = new PatchKeeper({
    log: () => this.#log,
    inTurn: (change) => this.#turns.take(change),
    give: (patches) => this.#patch(patches),
  });
  /** Counts what inspect threads, and patches that ingress threads were given. */
  #given = 0;
  #generation: Generation;
  /** One at a time; one asked for during another runs after it. */
  readonly reload = coalesced(() => this.#turns.take(() => this.#reload()));
  #stopped: Promise<number> | null = null;
  /** Every thread has listened once: from here on one that dies leaves others. */
  #serving = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#loaded = this.#load();
    const { config } = this.#loaded;
    this.#writer = new LogWriter({ format: config.log.format });
    this.#log = this.#createLog(config);
    this.#traffic = new TrafficKeeper(threadCount(config));
    this.#generation = this.#plan(config, 1);
    this.#limiter = new LimiterKeeper(config);
    this.#redis = RedisKeeper.open(config, this.#limiter.table, {
      // Looked up each time: a reload replaces the log.
      info: (context, message) => this.#log.info(context, message),
      warn: (context, message) => this.#log.warn(context, message),
    });
    this.#issuers = new IssuerKeeper({
      // Looked up each time: a reload replaces the log.
      log: {
        info: (context, message) => this.#log.info(context, message),
        warn: (context, message) => this.#log.warn(context, message),
        error: (context, message) => this.#log.error(context, message),
      },
      onNews: (news) => this.#threads.tellKeys(news),
    });
    const redis = this.#redis?.client ?? null;
    this.#bans = createBans(config, this.#limiter.words, redis, () => this.#log);
    this.#revocations = createRevocations(config, this.#limiter.words, redis, () => this.#log);
    this.#replayWords = createReplayWords(config.dpop.replaysMax);
    this.#keys = createKeys(config, redis, () => this.#log);
    this.#metricsTable = createMetricsTable(threadCount(config), config.routes.length);
    this.#tls = new TlsKeeper({
      log: () => this.#log,
      onCertificates: (certificates) => {
        this.#metrics.certificates = certificates;
      },
      rotate: (material) => this.#threads.rotate(material),
    });
    const material = this.#tls.load(config);
    // Room for a look at heads over the limit: they get a 431 of ours instead of a closed connection.
    setHeadBytesMax(config.limits.headBytesMax * 2);
    const collectionWords = createCollectionWords(WAF_COLLECTIONS_MAX, WAF_COLLECTION_BYTES_MAX);
    this.#inspectors = new InspectThreads({
      count: config.waf.inspectThreads || Math.ceil(threadCount(config) / 2),
      entry: new URL('../workers/inspect.js', import.meta.url),
      collectionWords,
      limiterWords: this.#limiter.words,
      log: () => this.#log,
      onLost: () => this.#metrics.inspectThreadRestarted(),
      giveEach: (newPort) => this.#threads.giveEach(newPort),
    });
    this.#threads = new Threads(
      {
        count: threadCount(config),
        entry: options.threadEntry ?? new URL('../workers/ingress.js', import.meta.url),
        metricsTable: this.#metricsTable,
        targetTable: this.#targetTable,
        limiterWords: this.#limiter.words,
        collectionWords,
        banWords: this.#bans.words,
        revocationWords: this.#revocations.words,
        replayWords: this.#replayWords,
        dpopSecret: nonceSecret(config.redis.keySecret),
        trafficWords: this.#traffic.words,
        keys: () => this.#keys?.book.snapshot() ?? null,
        redisAuthorities: this.#redis?.authorities ?? [],
        lines: this.#writer,
        audit: this.#audit,
        log: () => this.#log,
        onLost: (threadIndex) => {
          this.#health.clearThread(threadIndex);
          this.#traffic.clearThread(threadIndex);
          this.#metrics.threadRestarted();
        },
        onBan: (made) => this.#bans.keeper.receive(made),
        issuerKeys: () => this.#issuers.news(),
        onKeysWanted: (wanted) => this.#issuers.wanted(wanted),
        onBegin: (give) => this.#inspectors.connect(give),
      },
      this.#generation,
      material,
    );
    if (this.#keys !== null) this.#keys.book.onNews = (news) => this.#threads.tellKeys(news);
    this.#checks = new ActiveChecks({
      health: this.#health,
      tlsOptions: (upstream, target, plan) => clientTls(target, upstream, plan),
      onChange: (target, healthy, reason) => this.#targetChanged(target, healthy, reason),
    });
    this.#descriptors = new DescriptorWatch((accepting, open) => this.#descriptorsChanged(accepting, open));
  }

  get config(): Config {
    return this.#generation.config;
  }

  get addresses(): Gateway['addresses'] {
    const { listen, admin } = this.config;
    return {
      ...(listen.http.port === 0 ? {} : { http: origin('http', listen.host, listen.http.port) }),
      ...(listen.https.port === 0 ? {} : { https: origin('https', listen.host, listen.https.port) }),
      ...(this.#admin === null ? {} : { admin: origin('http', admin.host, this.#admin.port) }),
    };
  }

  async start(): Promise<void> {
    const { config } = this;
    for (const warning of this.#loaded.warnings)
      this.#log.warn({ warning: describeProblem(warning) }, 'configuration warning');
    if (config.admin.port !== 0) await this.#startAdmin(config);
    // Counts of before are there when the first request comes.
    await this.#redis?.start();
    // Who is banned or revoked must not be served in the first second.
    await this.#bans.keeper.start();
    await this.#issuers.prepare(config);
    await this.#keys?.keeper.start();
    await this.#revocations.keeper.start();
    this.#checks.update(config, this.#generation.plan);
    this.#audit.use(config);
    await Promise.all([this.#threads.start(), this.#inspect(this.#generation)]);
    this.#serving = true;
    this.#limiter.start();
    this.#traffic.start();
    this.#applied(this.#generation);
    this.#tls.watch(config);
    if (Number.isFinite(this.#descriptors.limit)) {
      this.#watches.push(setInterval(() => this.#descriptors.tick(), DESCRIPTOR_WATCH_MS));
    }
    const { http, https, admin } = this.addresses;
    this.#log.info({ http, https, admin, threads: this.#threads.count, version: packageVersion() }, 'serving');
  }

  /** Takes back what a failed start had begun. */
  async abandon(): Promise<void> {
    await this.#end(0);
  }

  stop(): Promise<number> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<number> {
    this.#log.info({ deadlineMs: this.config.drain.deadlineMs }, 'draining');
    await this.#end(this.config.drain.deadlineMs);
    return 0;
  }

  async #end(drainMs: number): Promise<void> {
    for (const watch of this.#watches) clearInterval(watch);
    this.#stopped ??= Promise.resolve(0);
    this.#tls.stop();
    this.#patches.stop();
    await this.#threads.drain(drainMs);
    await this.#inspectors.stop();
    this.#issuers.stop();
    this.#limiter.stop();
    this.#traffic.stop();
    this.#checks.stop();
    await this.#admin?.close();
    // Behind the last order of an operator: what was answered is saved.
    await this.#bans.keeper.stop();
    await this.#keys?.keeper.stop();
    await this.#revocations.keeper.stop();
    await this.#redis?.stop();
    await this.#audit.stop();
    this.#log.info({}, 'stopped');
    await this.#writer.close();
  }

  async #reload(): Promise<ReloadResult> {
    const before = this.#generation;
    try {
      // New settings would reach threads that are about to end.
      if (this.#stopped !== null) throw new SallyportError('SP_CONFIG', 'the gateway is draining: it takes no reload');
      const { config, warnings } = this.#load();
      const fixed = needsRestart(before.config, config);
      if (fixed.length > 0) {
        throw new SallyportError(
          'SP_CONFIG',
          `these settings cannot change while the gateway runs: ${fixed.join(', ')}; start a new process beside this one, or set them back`,
        );
      }
      const certificates = this.#tls.check(config);
      // Keys that come with the configuration are there when it is.
      await this.#issuers.prepare(config);
      const next = await this.#switch(before, config, certificates);
      this.#audit.use(config);
      this.#log = this.#createLog(config);
      this.#applied(next);
      this.#tls.watch(config);
      for (const warning of warnings) this.#log.warn({ warning: describeProblem(warning) }, 'configuration warning');
      this.#log.info({ generation: next.number }, 'configuration reloaded');
      return { ok: true, generation: next.number };
    } catch (error) {
      this.#issuers.settle(before.config);
      this.#metrics.reloadRefused();
      const problems = problemsOf(error);
      this.#log.error({ err: error, problems }, 'reload refused; the configuration of before stays');
      return { ok: false, problems };
    }
  }

  /** Everything or nothing: when one part cannot follow, all go back to the configuration of before. */
  async #switch(before: Generation, config: Config, certificates: ReadCertificates | null): Promise<Generation> {
    const next = this.#planAfter(before, config);
    try {
      // Throws before it changes anything.
      this.#checks.update(config, next.plan);
    } catch (error) {
      this.#takeBackSlots(before, true);
      throw error;
    }
    try {
      // Theirs first: an ingress thread asks by the rules that it has.
      await this.#inspect(next);
      await this.#threads.reload(next);
      await this.#tls.apply(certificates);
      return next;
    } catch (error) {
      this.#takeBackSlots(before, await this.#goBack(before));
      throw error;
    }
  }

  /**
   * Each part by itself: one that cannot go back must not keep the others. The caller tells the reload's own fault.
   *
   * @returns false when one could not.
   */
  async #goBack(before: Generation): Promise<boolean> {
    let allBack = true;
    const parts = [
      () => this.#checks.update(before.config, before.plan),
      () => this.#inspect(before),
      () => this.#threads.reload(before),
    ];
    for (const part of parts) {
      try {
        await part();
      } catch (error) {
        allBack = false;
        this.#log.error({ err: error, generation: before.number }, 'a part could not go back after a refused reload');
      }
    }
    return allBack;
  }

  /** Inspect threads get rules and patches of a generation. */
  #inspect(generation: Generation): Promise<void> {
    this.#given += 1;
    return this.#inspectors.use(inspectRules(generation, this.#given));
  }

  /** All threads have these patches, or those of before. */
  async #patch(patches: WafPatches | null): Promise<void> {
    const before = this.#generation;
    const next: Generation = { ...before, wafPatches: patches };
    try {
      await this.#givePatches(next);
      this.#generation = next;
    } catch (error) {
      await this.#givePatches(before).catch((fault: unknown) => {
        this.#log.error({ err: fault }, 'a thread could not go back to the patches of before');
      });
      throw error;
    }
  }

  /** Ingress threads do not wait for inspect threads: one may have a long body, and until it is ready they inspect. */
  async #givePatches(generation: Generation): Promise<void> {
    const told = this.#inspect(generation);
    await this.#threads.patch(generation.wafPatches, this.#given);
    await told;
  }

  /**
   * Targets of before keep their slots. Those that a refused configuration took are free again.
   *
   * @param allBack  No part is left that may still use them; otherwise they rest like those of removed targets.
   */
  #takeBackSlots(before: Generation, allBack: boolean): void {
    if (allBack) this.#slots.giveBack();
    this.#slots.assign(before.config, performance.now());
    this.#traffic.assign(before.config);
  }

  #applied(generation: Generation): void {
    this.#generation = generation;
    configureBans(this.#bans.keeper, generation.config);
    this.#issuers.settle(generation.config);
    if (this.#keys !== null) configureKeys(this.#keys.keeper, generation.config);
    this.#patches.applied(generation.config, generation.wafRules);
    configureRevocations(this.#revocations.keeper, generation.config);
    const digest = createHash('sha256').update(JSON.stringify(generation.config)).digest('hex').slice(0, 16);
    this.#metrics.configApplied(generation.number, digest, Date.now());
  }

  #load(): LoadedConfig {
    const { configFile, env } = this.#options;
    return loadConfig({ ...(configFile === undefined ? {} : { file: configFile }), env, cwd: process.cwd() });
  }

  #plan(config: Config, number: number): Generation {
    // What can be refused comes first: slots and rows are taken by what goes on to the threads alone.
    const authorities = readAuthorities(config);
    const tokenKey = readTokenKey(config);
    const loginAuthorities = readLoginAuthorities(config);
    const introspectionAuthorities = readIntrospectionAuthorities(config);
    this.#audit.check(config);
    const wafRules = readWafRules(config, this.#wafRules);
    this.#wafRules = wafRules;
    const wafPatches = this.#patches.plan(config, wafRules);
    const trafficRows = this.#traffic.assign(config);
    const { slots } = this.#slots.assign(config, performance.now());
    return {
      number,
      config,
      plan: { slots, authorities },
      routeRows: this.#rows.assign(config.routes.map(({ name }) => name)),
      policyRows: this.#policyRows.assign(policyNames(config)),
      trafficRows,
      tokenKey,
      loginAuthorities,
      introspectionAuthorities,
      wafRules,
      wafPatches,
    };
  }

  #planAfter(before: Generation, config: Config): Generation {
    try {
      return this.#plan(config, before.number + 1);
    } catch (error) {
      this.#traffic.assign(before.config);
      throw error;
    }
  }

  #createLog(config: Config): Log {
    return createLog({
      level: config.log.level,
      redact: config.log.redact,
      base: {},
      sink: (line) => this.#writer.line(line),
    });
  }

  async #startAdmin(config: Config): Promise<void> {
    const metrics = createMetricsRenderer({
      table: this.#metricsTable,
      routes: () => this.config.routes.map(({ name }) => ({ name, index: this.#generation.routeRows[name] ?? -1 })),
      targets: () =>
        this.#targets().map(({ slot, upstream, url }) => ({
          slot,
          upstream,
          target: url,
          usable: this.#health.usable(slot, Date.now()),
        })),
      policies: () =>
        policyNames(this.config).map((full) => {
          const colon = full.indexOf(':');
          return {
            kind: full.slice(0, colon),
            name: full.slice(colon + 1),
            row: this.#generation.policyRows[full] ?? Number.MAX_SAFE_INTEGER,
          };
        }),
      limiter: this.#limiter.table,
      bans: this.#bans.keeper,
      keys: this.#keys?.keeper ?? null,
      revocations: this.#revocations.keeper,
      patches: this.#patches,
      replays: new ReplayTable(this.#replayWords),
      throttles: () => this.#traffic.waiting(),
      concurrency: () => this.#traffic.concurrency(),
      redis: this.#redis?.state ?? null,
      issuers: () => this.#issuers.gauges(),
      main: this.#metrics,
      logLinesLost: () => this.#writer.lost + this.#audit.lost,
      version: packageVersion(),
    });
    this.#admin = await startAdmin({
      host: config.admin.host,
      port: config.admin.port,
      token: config.admin.token,
      metrics: () => {
        this.#countThreads();
        return metrics.render();
      },
      ready: () => this.#ready(),
      reload: () => this.reload(),
      status: () => this.#status(),
      bans: this.#bans.keeper,
      ...(this.#keys === null ? {} : { keys: this.#keys.keeper }),
      revocations: this.#revocations.keeper,
      patches: this.#patches,
      // Looked up each time: a reload replaces the log.
      log: {
        warn: (context, message) => this.#log.warn(context, message),
        error: (context, message) => this.#log.error(context, message),
      },
    });
  }

  #countThreads(): void {
    const running = this.#threads.listening;
    const draining = this.#stopped !== null;
    this.#metrics.threads = {
      starting: draining ? 0 : this.#threads.count - running,
      running: draining ? 0 : running,
      draining: draining ? running : 0,
    };
  }

  #ready(): { ready: boolean; reason?: string } {
    if (this.#stopped !== null) return { ready: false, reason: 'draining' };
    if (!this.#serving) return { ready: false, reason: 'starting' };
    if (this.#threads.listening === 0) return { ready: false, reason: 'no ingress thread is listening' };
    return { ready: true };
  }

  #status(): object {
    const nowMs = Date.now();
    return {
      version: packageVersion(),
      node: process.version,
      uptimeSeconds: Math.round((nowMs - this.#startedAtMs) / 1_000),
      generation: this.#generation.number,
      threads: { count: this.#threads.count, listening: this.#threads.listening, restarts: this.#threads.restarts },
      upstreams: this.#targets().map(({ upstream, url, slot }) => ({
        upstream,
        target: url,
        state: this.#health.state(slot, nowMs),
        requests: this.#health.requests(slot),
        connections: this.#health.connections(slot),
      })),
      issuers: this.#issuers.status(),
    };
  }

  #targets(): readonly Target[] {
    const { config, plan } = this.#generation;
    return Object.entries(config.upstreams).flatMap(([name, upstream]) => compileTargets(name, upstream, plan));
  }

  #targetChanged({ upstream, url }: Target, healthy: boolean, reason: string): void {
    if (healthy) this.#log.info({ upstream, target: url, reason }, 'target is healthy again');
    else this.#log.warn({ upstream, target: url, reason }, 'target is unhealthy');
  }

  #descriptorsChanged(accepting: boolean, open: number): void {
    const facts = { code: 'SP_DESCRIPTORS', open, limit: this.#descriptors.limit };
    if (accepting) this.#log.info(facts, 'file descriptors are free again: accepting connections');
    else this.#log.error(facts, 'file descriptors are running out: no new connections; raise the limit (ulimit -n)');
    this.#threads.accept(accepting);
  }
}

/** `KIND:NAME`: what counters of policies are kept by. */
function policyNames(config: Config): string[] {
  return [
    ...Object.keys(config.rateLimits).map((name) => `limit:${name}`),
    ...banPolicyNames(config.abuse.rules),
    ...trafficPolicyNames(config),
  ];
}

function threadCount(config: Config): number {
  return config.threads === 0 ? availableParallelism() : config.threads;
}

function origin(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems.map(describeProblem);
  return [error instanceof Error ? error.message : String(error)];
}

/** What inspect threads compile, under another number each time; null where no body is long enough for them. */
function inspectRules({ config, wafRules, wafPatches }: Generation, number: number): InspectRules | null {
  if (wafRules === null || !offloads(config)) return null;
  const { argumentsMax, gate, jsonDepthMax, responseTypes, audit } = config.waf;
  return {
    number,
    rules: wafRules,
    patches: wafPatches,
    reading: { argumentsMax, gate, jsonDepthMax, responseTypes, audit: { parts: audit.parts } },
  };
}

import http from 'node:http';
import https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { Config, UpstreamConfig } from '../config/schema.ts';
import type { TargetHealth } from './health.ts';
import { compileTargets, type SlotPlan, type Target } from './targets.ts';

type ActiveConfig = UpstreamConfig['health']['active'];

export interface ActiveCheckOptions {
  readonly health: TargetHealth;
  /** TLS options of an https target: ca, servername, rejectUnauthorized, minVersion. May throw SP_CONFIG. */
  readonly tlsOptions: (upstream: UpstreamConfig, target: Target, plan: SlotPlan) => ConnectionOptions;
  /** A target changed sides. @param reason  The probe's finding, for the log: status, errno, time-out. */
  readonly onChange: (target: Target, healthy: boolean, reason: string) => void;
  /** 0 <= random() < 1, for the jitter. */
  readonly random?: () => number;
}

/** Bytes of a probe's answer that are read; a health page has a few, and one without end must not keep us busy. */
const PROBE_BODY_BYTES_MAX = 65_536;
/** Intervals vary by a tenth to either side, so that many gateways do not fall into step. */
const JITTER = 0.1;
const REASON_LENGTH_MAX = 200;

/**
 * Probes every target whose upstream has `health.active.path`, one loop each, and writes what they find into the shared
 * table. Targets count as up until probes say otherwise, and again once their checks are switched off.
 *
 * Threads: main only.
 */
export class ActiveChecks {
  readonly #options: ActiveCheckOptions;
  #loops = new Map<string, ProbeLoop>();

  constructor(options: ActiveCheckOptions) {
    this.#options = options;
  }

  /**
   * Follows a new configuration: loops of unchanged targets go on undisturbed, with what they know.
   *
   * @throws  What `compileTargets` and `tlsOptions` throw; nothing has changed then.
   */
  update(config: Pick<Config, 'upstreams'>, plan: SlotPlan): void {
    const jobs = Object.entries(config.upstreams).flatMap(([name, upstream]) =>
      compileTargets(name, upstream, plan).map((target) => this.#job(target, upstream, plan)),
    );
    const before = this.#loops;
    this.#loops = new Map();
    for (const job of jobs) {
      const key = `${job.target.slot} ${job.target.upstream} ${job.target.url}`;
      const known = before.get(key);
      if (job.active.path === '') {
        this.#switchOff(job.target);
        continue;
      }
      before.delete(key);
      const loop = known ?? new ProbeLoop(this.#options);
      loop.follow(job);
      this.#loops.set(key, loop);
    }
    for (const loop of before.values()) loop.stop();
  }

  /** Ends all loops and probes under way; nothing is reported afterwards. */
  stop(): void {
    for (const loop of this.#loops.values()) loop.stop();
    this.#loops.clear();
  }

  #job(target: Target, upstream: UpstreamConfig, plan: SlotPlan): Job {
    const { active } = upstream.health;
    const tls = target.secure && active.path !== '' ? this.#options.tlsOptions(upstream, target, plan) : undefined;
    return { target, active, tls, fingerprint: JSON.stringify([active, upstream.tls]) };
  }

  /** What no probe watches must not stay down for ever. */
  #switchOff(target: Target): void {
    const { health, onChange } = this.#options;
    if (health.activelyUp(target.slot)) return;
    health.setActive(target.slot, true);
    onChange(target, true, 'active checks were switched off');
  }
}

interface Job {
  readonly target: Target;
  readonly active: ActiveConfig;
  readonly tls: ConnectionOptions | undefined;
  readonly fingerprint: string;
}

/** One target. The next probe is set up when the last one ended, so probes cannot overlap. */
class ProbeLoop {
  readonly #options: ActiveCheckOptions;
  #job: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #cancel: (() => void) | undefined;
  /** Probes in a row that contradict what is believed. */
  #contrary = 0;

  constructor(options: ActiveCheckOptions) {
    this.#options = options;
  }

  /** Takes new settings over; changed ones count from now, without a probe of the old ones under way. */
  follow(job: Job): void {
    const changed = this.#job?.fingerprint !== job.fingerprint;
    this.#job = job;
    if (!changed) return;
    this.stop();
    this.#contrary = 0;
    this.#schedule(job.active.intervalMs * this.#random());
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(waitMs: number): void {
    this.#timer = setTimeout(() => this.#probe(), waitMs);
    this.#timer.unref();
  }

  #probe(): void {
    const job = this.#job as Job;
    const startedAtMs = performance.now();
    this.#cancel = probe(job, (good, reason) => {
      this.#cancel = undefined;
      const { intervalMs } = job.active;
      const jitteredMs = intervalMs * (1 - JITTER + 2 * JITTER * this.#random());
      this.#schedule(Math.max(0, jitteredMs - (performance.now() - startedAtMs)));
      this.#judge(good, reason);
    });
  }

  #judge(good: boolean, reason: string): void {
    const { target, active } = this.#job as Job;
    const { health, onChange } = this.#options;
    if (good === health.activelyUp(target.slot)) {
      this.#contrary = 0;
      return;
    }
    this.#contrary += 1;
    if (this.#contrary < (good ? active.healthyAfter : active.unhealthyAfter)) return;
    this.#contrary = 0;
    health.setActive(target.slot, good);
    onChange(target, good, reason);
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }
}

/**
 * One GET on a connection of its own. Redirects are not followed: they are answers like others.
 *
 * @param report  Called once, unless cancelled before.
 * @returns Cancels the probe.
 */
function probe(job: Job, report: (good: boolean, reason: string) => void): () => void {
  const { active } = job;
  let request: http.ClientRequest | undefined;
  let over = false;
  const end = (): void => {
    over = true;
    clearTimeout(deadline);
    request?.destroy();
  };
  const finish = (good: boolean, reason: string): void => {
    if (over) return;
    end();
    report(good, reason.slice(0, REASON_LENGTH_MAX));
  };
  const deadline = setTimeout(() => finish(false, `no complete answer in ${active.timeoutMs} ms`), active.timeoutMs);
  deadline.unref();
  try {
    request = send(job);
  } catch (error) {
    // Only unusable TLS material throws here; the main thread must outlive it.
    finish(false, error instanceof Error ? reasonOf(error) : String(error));
    return end;
  }
  request.on('response', (response) => {
    const status = response.statusCode ?? 0;
    const good = status >= active.statusMin && status <= active.statusMax;
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > PROBE_BODY_BYTES_MAX) finish(good, `status ${status}`);
    });
    response.on('end', () => finish(good, `status ${status}`));
    response.on('error', (error) => finish(false, reasonOf(error)));
  });
  request.on('error', (error) => finish(false, reasonOf(error)));
  request.on('close', () => finish(false, 'the connection ended without a complete answer'));
  request.end();
  return end;
}

function send({ target, active, tls }: Job): http.ClientRequest {
  return (target.secure ? https : http).request({
    ...tls,
    agent: false,
    method: 'GET',
    host: target.hostname,
    port: target.port,
    path: active.path,
    headers: { host: target.authority, 'user-agent': 'health-check', accept: '*/*', connection: 'close' },
  });
}

/** A refused connection to several addresses has an empty message and a code. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return error.message === '' ? (error.code ?? error.name) : error.message;
}

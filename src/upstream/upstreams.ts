import type tls from 'node:tls';
import type { TimerWheel } from '../base/timer-wheel.ts';
import type { Config, UpstreamConfig } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import type { Transaction } from '../transaction.ts';
import { compileBalancer } from './balance.ts';
import { type Circuit, compileCircuit } from './circuit.ts';
import { type UpstreamEvents, UpstreamGroup } from './group.ts';
import type { TargetHealth } from './health.ts';
import { ConnectionPool, type PoolOptions } from './pool.ts';
import { compileTargets, type SlotPlan, type Target } from './targets.ts';

export interface UpstreamsParts {
  readonly wheel: TimerWheel;
  readonly health: TargetHealth;
  readonly events: UpstreamEvents;
  readonly threads: number;
}

/** Finds the value that hash balancing looks at. */
export type HashField = (tx: Transaction) => string;

/**
 * All upstreams of one thread over the generations of the configuration: a reload compiles new groups and keeps the
 * connections of every target that did not change.
 *
 * Threads: one.
 */
export class Upstreams {
  readonly #parts: UpstreamsParts;
  #pools = new Map<string, ConnectionPool>();

  constructor(parts: UpstreamsParts) {
    this.#parts = parts;
  }

  /**
   * Builds the groups of a configuration.
   *
   * @param hashField  Given a `hashBy` setting, the function that reads its value from a transaction.
   * @returns  Groups in the order of the configuration's keys.
   * @throws   When the plan is of another configuration; the pools of before stay as they were.
   */
  compile(config: Config, plan: SlotPlan, hashField: (hashBy: string) => HashField): readonly UpstreamGroup[] {
    const pools = new Map<string, ConnectionPool>();
    const changes: (() => void)[] = [];
    const groups = Object.entries(config.upstreams).map(([name, upstream]) => {
      const targets = compileTargets(name, upstream, plan);
      const { wheel, health, events, threads } = this.#parts;
      const circuit = compileCircuit(upstream.circuit, health, threads);
      return new UpstreamGroup({
        name,
        config: upstream,
        targets,
        balancer: compileBalancer(upstream, targets, health),
        pools: targets.map((target) => this.#pool(target, upstream, plan, circuit, pools, changes)),
        circuit,
        health,
        wheel,
        events,
        hashField: hashField(upstream.hashBy),
      });
    });
    for (const change of changes) change();
    for (const [key, pool] of this.#pools) if (!pools.has(key)) pool.retire();
    this.#pools = pools;
    return groups;
  }

  /** Ends every connection. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  #pool(
    target: Target,
    upstream: UpstreamConfig,
    plan: SlotPlan,
    circuit: Circuit,
    pools: Map<string, ConnectionPool>,
    changes: (() => void)[],
  ): ConnectionPool {
    const { wheel, health, events } = this.#parts;
    const tlsOptions = target.secure ? clientTls(target, upstream, plan) : null;
    const key = JSON.stringify([target.upstream, target.slot, target.url, tlsOptions]);
    const options: PoolOptions = {
      target,
      tlsOptions,
      idleConnectionsMax: upstream.keepAlive.connectionsMax,
      idleMs: upstream.keepAlive.idleMs,
      connectionsMax: circuit.connectionsShare,
      pendingMax: circuit.pendingMax,
      connectMs: upstream.timeouts.connectMs,
    };
    let pool = pools.get(key) ?? this.#pools.get(key);
    if (pool === undefined) pool = new ConnectionPool(options, wheel, health, events);
    else {
      const kept = pool;
      changes.push(() => kept.reconfigure(options));
    }
    pools.set(key, pool);
    return pool;
  }
}

/**
 * TLS options towards a target (RFC 9110 4.3.4: the name in the URL is the one checked, unless another is set).
 *
 * @param plan  Has the authorities that `tls.ca` names.
 * @throws  SallyportError SP_CONFIG when it has not: nobody else is trusted in their place.
 */
export function clientTls(target: Target, upstream: UpstreamConfig, plan: SlotPlan): tls.ConnectionOptions {
  const { verify, serverName, ca, minVersion } = upstream.tls;
  const name = serverName === '' ? target.hostname : serverName;
  const options: tls.ConnectionOptions = {
    rejectUnauthorized: verify,
    minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
  };
  // SNI carries names only (RFC 6066 3); for an address the certificate is checked against the host.
  if (!/^[0-9.]+$|:/.test(name)) options.servername = name;
  if (ca !== '') {
    const authorities = plan.authorities?.[target.upstream];
    if (authorities === undefined) {
      const place = `upstreams.${target.upstream}.tls.ca`;
      throw new SallyportError('SP_CONFIG', `${place} ${ca} was not read: the plan is of another configuration`);
    }
    options.ca = [...authorities];
  }
  return options;
}

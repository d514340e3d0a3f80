import type { Config, UpstreamConfig } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import { TARGETS_MAX } from '../limits.ts';
import type { TargetHealth } from './health.ts';

/** One server of an upstream, as the request path sees it: built at boot or reload, frozen. */
export interface Target {
  readonly upstream: string;
  /** Position in the upstream's list. */
  readonly index: number;
  /** Place in the shared table. */
  readonly slot: number;
  /** `http://host:port`, as logs and metrics name it: lower case, default port left out. */
  readonly url: string;
  readonly secure: boolean;
  /** Name or address to connect to; IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Host field for `host: replace`: IPv6 in brackets, default port left out (RFC 9110 7.2). */
  readonly authority: string;
  readonly weight: number;
}

/** Which target has which slot. Plain JSON: main makes it, threads receive it. */
export interface SlotPlan {
  readonly slots: Readonly<Record<string, number>>;
  /** PEM certificates by upstream, read from its `tls.ca`. */
  readonly authorities?: Readonly<Record<string, readonly string[]>>;
}

/** Slots of vanished targets rest this long: threads may still be on their way to the new configuration. */
const SLOT_GRACE_MS = 60_000;

interface Holder {
  readonly slot: number;
  /** When the target left the configuration; -1 while it is there. */
  goneAtMs: number;
}

/**
 * Gives slots out. A target keeps its slot, and with it its health, through reloads: same upstream, scheme, host and
 * port. A vanished one keeps it until others need it, and then loses it only after a grace and when nothing is under
 * way on it any more in any thread: a download or a WebSocket may outlive many reloads, and its end must not be counted
 * against a stranger.
 *
 * Threads: main only.
 */
export class SlotRegistry {
  readonly #health: TargetHealth;
  readonly #graceMs: number;
  readonly #holders = new Map<string, Holder>();
  /** Given back by refused configurations; as good as never used. */
  readonly #returned: number[] = [];
  /** Targets that the latest assignment found new. */
  #fresh: string[] = [];
  #neverUsed = 0;

  constructor(health: TargetHealth, graceMs: number = SLOT_GRACE_MS) {
    this.#health = health;
    this.#graceMs = graceMs;
  }

  /**
   * Last step of accepting a configuration: whatever is not in it counts as vanished from now on.
   *
   * @param nowMs  Monotonic clock, milliseconds.
   * @throws  SP_CONFIG when a target is malformed or named twice, or when no slots are left. Nothing changes then.
   */
  assign(config: Pick<Config, 'upstreams'>, nowMs: number): SlotPlan {
    const wanted = wantedKeys(config);
    const fresh = [...wanted].filter((key) => !this.#holders.has(key));
    const reusable = this.#reusable(wanted, nowMs);
    const unused = TARGETS_MAX - this.#neverUsed + this.#returned.length;
    if (fresh.length > unused + reusable.length) {
      const held = this.#holders.size - reusable.length;
      throw new SallyportError(
        'SP_CONFIG',
        `upstreams have ${wanted.size} targets, ${fresh.length} of them new, but of ${TARGETS_MAX} places ${held} are taken` +
          ' by targets in use or just removed; remove targets, or wait until requests to the removed ones have ended',
        { targets: wanted.size, fresh: fresh.length, targetsMax: TARGETS_MAX },
      );
    }
    for (const [key, holder] of this.#holders) {
      if (wanted.has(key)) holder.goneAtMs = -1;
      else if (holder.goneAtMs === -1) holder.goneAtMs = nowMs;
    }
    for (const key of fresh) this.#holders.set(key, { slot: this.#take(reusable), goneAtMs: -1 });
    this.#fresh = fresh;
    const slots: Record<string, number> = {};
    for (const key of wanted) slots[key] = (this.#holders.get(key) as Holder).slot;
    return { slots };
  }

  /**
   * Gives back at once what the latest `assign` took for new targets: its configuration was refused afterwards. To be
   * called when every thread is back at the configuration of before, and then followed by `assign` with that one:
   * whatever a thread began on these slots meanwhile is counted, or over. Slots in use keep their grace.
   */
  giveBack(): void {
    for (const key of this.#fresh.splice(0)) {
      const { slot } = this.#holders.get(key) as Holder;
      if (this.#health.requests(slot) !== 0 || this.#health.connections(slot) !== 0) continue;
      this.#holders.delete(key);
      this.#health.clearSlot(slot);
      this.#returned.push(slot);
    }
  }

  /** Vanished long enough ago and idle, longest gone last. */
  #reusable(wanted: ReadonlySet<string>, nowMs: number): string[] {
    return [...this.#holders]
      .filter(
        ([key, { slot, goneAtMs }]) =>
          !wanted.has(key) &&
          goneAtMs !== -1 &&
          nowMs - goneAtMs >= this.#graceMs &&
          this.#health.requests(slot) === 0 &&
          this.#health.connections(slot) === 0,
      )
      .sort(([, a], [, b]) => b.goneAtMs - a.goneAtMs)
      .map(([key]) => key);
  }

  #take(reusable: string[]): number {
    const returned = this.#returned.pop();
    if (returned !== undefined) return returned;
    const slot = this.#neverUsed;
    if (slot < TARGETS_MAX) {
      this.#neverUsed += 1;
      return slot;
    }
    const key = reusable.pop() as string;
    const { slot: reused } = this.#holders.get(key) as Holder;
    this.#holders.delete(key);
    this.#health.clearSlot(reused);
    return reused;
  }
}

/**
 * @param name  The upstream's name: key in `upstreams`.
 * @param plan  From `SlotRegistry.assign` for the same configuration.
 * @returns Targets in the order of the configuration, frozen.
 * @throws  SP_CONFIG for a malformed URL, or a target that the plan does not know.
 */
export function compileTargets(name: string, upstream: UpstreamConfig, plan: SlotPlan): readonly Target[] {
  return Object.freeze(
    upstream.targets.map(({ url, weight }, index) => {
      const parsed = parseTarget(name, index, url);
      const slot = plan.slots[targetKey(name, parsed)];
      if (slot === undefined) {
        throw new SallyportError(
          'SP_CONFIG',
          `upstreams.${name}.targets[${index}].url ${url} has no slot: the plan is of another configuration`,
        );
      }
      const target: Target = { upstream: name, index, slot, ...parsed, weight: weight ?? 1 };
      return Object.freeze(target);
    }),
  );
}

type Address = Pick<Target, 'url' | 'secure' | 'hostname' | 'port' | 'authority'>;

function wantedKeys(config: Pick<Config, 'upstreams'>): Set<string> {
  const keys = new Set<string>();
  for (const [name, { targets }] of Object.entries(config.upstreams)) {
    for (const [index, { url }] of targets.entries()) {
      const key = targetKey(name, parseTarget(name, index, url));
      if (keys.has(key)) {
        throw new SallyportError(
          'SP_CONFIG',
          `upstreams.${name}.targets[${index}].url ${url} names a server for the second time; give one entry a larger weight instead`,
          { upstream: name, index, url },
        );
      }
      keys.add(key);
    }
  }
  return keys;
}

/** Names of upstreams hold no space, so the parts cannot run into each other. */
function targetKey(name: string, { secure, hostname, port }: Address): string {
  return `${name} ${secure ? 'https' : 'http'} ${hostname} ${port}`;
}

/** The schema's pattern lets through what only a URL parser sees: ports over 65535, `\`, bad addresses. */
function parseTarget(name: string, index: number, text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const secure = url?.protocol === 'https:';
  const bare =
    url !== undefined &&
    (secure || url.protocol === 'http:') &&
    url.port !== '0' &&
    url.username + url.password + url.search + url.hash === '' &&
    url.pathname === '/' &&
    !text.includes('\\');
  if (!bare) {
    throw new SallyportError(
      'SP_CONFIG',
      `upstreams.${name}.targets[${index}].url ${text} is not of the form http://host:port or https://host:port`,
      { upstream: name, index, url: text },
    );
  }
  return {
    url: url.origin,
    secure,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
  };
}

import { CONCURRENCY_ROWS_MAX, THROTTLE_ROWS_MAX } from '../limits.ts';
import { checkKey } from './check-traffic.ts';
import type { Report } from './report.ts';
import type { ConcurrencyConfig, Config, ThrottleConfig } from './schema.ts';
import { isScalar, SCHEMA } from './schema-tree.ts';
import { schemaAt } from './schema-walk.ts';
import { didYouMean, type KeyPath, quote } from './words.ts';

/** Settings that only an adaptive bound looks at. */
const ADAPTIVE_KEYS = ['min', 'windowMs', 'minRttEveryMs', 'bufferPercent'] as const;
/** Settings of the queue that say nothing where nobody may wait. */
const QUEUE_KEYS = ['queuePerKeyMax', 'deadlineMs'] as const;

/** Throttles, concurrency and shedding: what the schema alone cannot tell. Never throws. */
export function checkThrottling(config: Config, report: Report): void {
  for (const [name, throttle] of Object.entries(config.throttles)) checkThrottle(throttle, ['throttles', name], report);
  for (const [name, { concurrency }] of Object.entries(config.upstreams)) {
    checkConcurrency(concurrency, ['upstreams', name, 'concurrency'], report);
  }
  for (const [index, { policies }] of config.routes.entries()) {
    const path = ['routes', index, 'policies'];
    checkName(policies.throttle, config, [...path, 'throttle'], report);
    checkConcurrency(policies.concurrency, [...path, 'concurrency'], report);
  }
  checkRoom(config, report);
  noteUnused(config, report);
  notePriorities(config, report);
}

function checkThrottle(throttle: ThrottleConfig, path: KeyPath, report: Report): void {
  const { requests, perMs, queueMax, queuePerKeyMax, deadlineMs } = throttle;
  checkKey(throttle.key, [...path, 'key'], report);
  const queue = [...path, 'queueMax'];
  if (queueMax === 0) {
    for (const key of QUEUE_KEYS) {
      noEffect([...path, key], throttle[key], 'with queueMax 0, where nobody waits', queue, report);
    }
    return;
  }
  const perKey = [...path, 'queuePerKeyMax'];
  if (queuePerKeyMax > queueMax && report.isSaid(perKey)) {
    const found = `${queuePerKeyMax} is above ${report.mention(queue)}, ${queueMax}`;
    report.problem(perKey, found, 'make it queueMax at most', [queue]);
  }
  if (perMs / requests <= deadlineMs) return;
  const found = `one request goes each ${Math.round(perMs / requests)} ms: nobody who waits so long is left`;
  report.warn([...path, 'deadlineMs'], found, 'raise it, or set queueMax: 0 to refuse at once');
}

function checkConcurrency(concurrency: ConcurrencyConfig, path: KeyPath, report: Report): void {
  const { mode, min, max, windowMs, minRttEveryMs } = concurrency;
  const modePath = [...path, 'mode'];
  if (mode !== 'adaptive') {
    const keys = mode === 'off' ? (['max', ...ADAPTIVE_KEYS] as const) : ADAPTIVE_KEYS;
    for (const key of keys) noEffect([...path, key], concurrency[key], `with mode ${mode}`, modePath, report);
    return;
  }
  if (min > max) {
    const other = [...path, 'max'];
    const found = `${min} is above ${report.mention(other)}, ${max}`;
    report.problem([...path, 'min'], found, 'raise max or lower min', [other]);
  }
  if (minRttEveryMs < windowMs) {
    const other = [...path, 'windowMs'];
    const found = `${minRttEveryMs} is shorter than ${report.mention(other)}, ${windowMs}: the limit would never be set`;
    report.problem([...path, 'minRttEveryMs'], found, 'raise it, or lower windowMs', [other]);
  }
}

/** The default may be said: it is what a reader of the file expects anyway. */
function noEffect(path: KeyPath, value: number, where: string, other: KeyPath, report: Report): void {
  const node = schemaAt(SCHEMA, path);
  if (!report.isSaid(path) || (node !== undefined && isScalar(node) && node.default === value)) return;
  report.problem(path, `has no effect ${where}`, `remove it, or change ${other.at(-1)}`, [other]);
}

function checkName(name: string, config: Config, path: KeyPath, report: Report): void {
  if (name === '' || Object.hasOwn(config.throttles, name)) return;
  const known = Object.keys(config.throttles);
  const otherwise =
    known.length === 0
      ? 'define it under throttles'
      : `known: ${known
          .slice(0, 12)
          .map((one) => quote(one))
          .join(', ')}`;
  const found = `unknown throttle ${report.show(path, name)}`;
  report.problem(path, found, didYouMean(name, known, otherwise), [['throttles']]);
}

/** The shared tables have so many rows. */
function checkRoom({ throttles, routes, upstreams }: Config, report: Report): void {
  const used = routes.map(({ policies }) => policies.throttle).filter((name) => Object.hasOwn(throttles, name));
  const own = used.filter((name) => throttles[name]?.perRoute === true).length;
  const shared = new Set(used.filter((name) => throttles[name]?.perRoute === false)).size;
  if (own + shared > THROTTLE_ROWS_MAX) {
    const found = `${own + shared} are in use, counting one for each route with perRoute; there is room for ${THROTTLE_ROWS_MAX}`;
    report.problem(['throttles'], found, 'let routes share throttles');
  }
  const bounds = [...routes.map(({ policies }) => policies), ...Object.values(upstreams)].filter(
    ({ concurrency }) => concurrency.mode !== 'off',
  ).length;
  if (bounds > CONCURRENCY_ROWS_MAX) {
    const found = `${bounds} routes and upstreams have a bound on concurrency; there is room for ${CONCURRENCY_ROWS_MAX}`;
    report.problem(['routes'], found, 'bound the upstream instead of each route');
  }
}

function noteUnused(config: Config, report: Report): void {
  const used = new Set(config.routes.map((route) => route.policies.throttle));
  for (const name of Object.keys(config.throttles)) {
    if (used.has(name)) continue;
    report.warn(
      ['throttles', name],
      'no route uses this throttle',
      'name it in routes[].policies.throttle, or remove it',
    );
  }
}

function notePriorities({ shedding, routes }: Config, report: Report): void {
  if (shedding.loopDelayMs === 0 && shedding.memoryBytes === 0) {
    for (const [index, { policies }] of routes.entries()) {
      if (policies.priority === 'normal') continue;
      const found = 'has no effect: nothing is ever shed';
      report.warn(['routes', index, 'policies', 'priority'], found, 'set shedding.loopDelayMs or shedding.memoryBytes');
    }
  } else if (routes.length > 0 && routes.every(({ policies }) => policies.priority === 'critical')) {
    report.warn(['shedding'], 'every route is critical: nothing is ever shed', 'give some routes a lower priority');
  }
}

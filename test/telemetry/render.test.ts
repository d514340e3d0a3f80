import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES } from '../../src/errors.ts';
import { createMetricsTable } from '../../src/telemetry/layout.ts';
import { MainMetrics } from '../../src/telemetry/main-metrics.ts';
import { ThreadMetrics } from '../../src/telemetry/metrics.ts';
import { createMetricsRenderer, type MeteredRoute } from '../../src/telemetry/render.ts';
import type { MeteredTarget } from '../../src/telemetry/target-counts.ts';
import { type ParsedFamily, parseExposition } from './exposition.ts';

const table = createMetricsTable(2, 3);
const threads = [new ThreadMetrics(table, 0), new ThreadMetrics(table, 1)] as const;
const main = new MainMetrics();
let routes: MeteredRoute[] = [
  { index: 0, name: 'orders' },
  { index: 1, name: 'users' },
];
let targets: MeteredTarget[] = [
  { slot: 0, upstream: 'shop', target: 'http://10.0.0.1:80', usable: true },
  { slot: 1, upstream: 'odd "name"\\\n', target: 'http://10.0.0.2:80', usable: false },
];
const renderer = createMetricsRenderer({
  table,
  routes: () => routes,
  targets: () => targets,
  policies: () => [
    { kind: 'limit', name: 'per-client', row: 0 },
    { kind: 'throttle', name: 'steady', row: 1 },
    { kind: 'shed', name: 'low', row: 2 },
  ],
  limiter: { slots: 1_024, inUse: 7, foundFull: 3, reclaimed: 2 },
  bans: { capacity: 1_024, inUse: 5, evicted: 1, made: 6, takenLocks: 2, untold: 3 },
  keys: { isUp: true, made: 3, heard: 2, counts: () => ({ active: 4, revoked: 1 }) },
  revocations: { capacity: 2_048, inUse: 8, unenforced: 1, refused: 3 },
  replays: { capacity: 4_096, inUse: 70, seen: 5, full: 2, alone: 4 },
  patches: { live: 2, refusal: 'a.conf:1: wrong', refused: 3, expired: 4 },
  throttles: () => [{ policy: 'steady', waiting: 9 }],
  concurrency: () => [
    { policy: 'route:orders', limit: 40, underWay: 12, minRttMs: 2.5 },
    { policy: 'upstream:shop', limit: 10, underWay: 0, minRttMs: 0 },
  ],
  redis: {
    isUp: true,
    exchanges: 9,
    failures: 4,
    counts: 80,
    fallbacks: 2,
    clockSteps: 1,
    roundTripMs: 1.5,
    lagMs: 52,
  },
  issuers: () => [
    { issuer: 'people', condition: 'stale', keys: 2, ageMs: 90_500, fetches: { done: 3, timeout: 1 } },
    { issuer: 'machines', condition: 'starting', keys: 0, ageMs: null, fetches: { done: 0, timeout: 0 } },
  ],
  main,
  logLinesLost: () => 4,
  version: '1.2.3',
  nowMs: () => 86_400_000,
});

const scrape = async () => parseExposition(await renderer.render());

function value(families: Map<string, ParsedFamily>, name: string, labels: Record<string, string> = {}): number {
  const family = families.get(name.replace(/_(bucket|sum|count)$/, '')) ?? families.get(name);
  const found = family?.samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
  );
  assert.equal(found?.length, 1, `${name} ${JSON.stringify(labels)}`);
  return found[0]?.value ?? Number.NaN;
}

test('a scrape shows what the threads counted, and a server could read it', async () => {
  threads[0].request(0, 200, 3, 2, 100, 2_000);
  threads[1].request(0, 503, 12_000, -1, 50, 300);
  threads[1].request(-1, 404, 0.2, -1, 0, 150);
  threads[1].request(90_000, 200, 1, -1, 0, 1);
  threads[0].inFlight(2);
  threads[1].inFlight(1);
  threads[0].websockets(1);
  threads[0].error('SP_UPSTREAM_UNAVAILABLE');
  threads[0].handlerErrors();
  threads[0].logLinesLost(3);
  threads[1].loopDelay(25, 1);
  threads[0].connectionOpened(0);
  threads[0].connectionReused(0);
  threads[1].connectionReused(0);
  threads[0].connectFailed(1);
  threads[0].policy(0, 'admitted');
  threads[1].policy(0, 'admitted');
  threads[1].policy(0, 'refused');
  threads[1].policy(70_000, 'full');
  threads[0].policy(1, 'waited');
  threads[1].policy(1, 'waited');
  threads[1].policy(1, 'late');
  for (const [thread, ms] of [
    [0, 4],
    [1, 40],
    [1, 20_000],
  ] as const) {
    threads[thread].waited(1, ms);
  }
  threads[1].policy(2, 'refused');
  threads[0].shedLevel(0.25);
  threads[1].shedLevel(0.5);
  threads[0].introspected('active');
  threads[1].introspected('active');
  threads[1].introspected('type');
  threads[0].authRefused('type');
  threads[0].answersKept(5, 1);
  threads[1].answersKept(2, 3);
  threads[0].retried(1);
  threads[0].ejected(1);
  threads[0].upstreamRequest(0, 204);
  threads[0].upstreamRequest(1, 0);
  main.threads = { starting: 0, running: 2, draining: 1 };
  main.threadRestarted();
  main.configApplied(1, 'abc', 5_000);
  main.configApplied(2, 'def', 6_500);
  main.reloadRefused();
  main.certificates = [
    { name: 'a.example', expiresAtMs: 86_400_000 * 3 },
    { name: 'a.example', expiresAtMs: 86_400_000 * 2 },
    { name: 'b.example', expiresAtMs: 0 },
  ];

  const families = await scrape();
  const orders = { route: 'orders' };
  assert.equal(value(families, 'sallyport_requests_total', { ...orders, code_class: '2xx' }), 1);
  assert.equal(value(families, 'sallyport_requests_total', { ...orders, code_class: '5xx' }), 1);
  assert.equal(value(families, 'sallyport_requests_total', { route: 'users', code_class: '2xx' }), 0);
  assert.equal(value(families, 'sallyport_requests_total', { route: '_none', code_class: '4xx' }), 1);
  assert.equal(value(families, 'sallyport_requests_total', { route: '_other', code_class: '2xx' }), 1);
  const bucket = 'sallyport_request_duration_seconds_bucket';
  assert.equal(value(families, bucket, { ...orders, le: '0.0025' }), 0);
  assert.equal(value(families, bucket, { ...orders, le: '0.005' }), 1);
  assert.equal(value(families, bucket, { ...orders, le: '10' }), 1);
  assert.equal(value(families, bucket, { ...orders, le: '+Inf' }), 2);
  assert.equal(value(families, 'sallyport_request_duration_seconds_sum', orders), 12.003);
  assert.equal(value(families, 'sallyport_request_duration_seconds_count', orders), 2);
  assert.equal(value(families, 'sallyport_upstream_duration_seconds_count', orders), 1);
  assert.equal(value(families, 'sallyport_request_bytes_total', orders), 150);
  assert.equal(value(families, 'sallyport_response_bytes_total', orders), 2_300);
  assert.equal(value(families, 'sallyport_requests_in_flight'), 3);
  assert.equal(value(families, 'sallyport_websockets_open'), 1);
  assert.equal(value(families, 'sallyport_refusals_total', { code: 'SP_UPSTREAM_UNAVAILABLE', side: 'upstream' }), 1);
  assert.equal(families.get('sallyport_refusals_total')?.samples.length, ERROR_CODES.length);
  assert.equal(value(families, 'sallyport_handler_errors_total'), 1);
  assert.equal(value(families, 'sallyport_log_lines_lost_total'), 7);
  assert.equal(value(families, 'sallyport_thread_loop_delay_seconds', { thread: '1' }), 0.025);
  const shop = { upstream: 'shop', target: 'http://10.0.0.1:80' };
  const odd = { upstream: 'odd "name"\\\n', target: 'http://10.0.0.2:80' };
  assert.equal(value(families, 'sallyport_upstream_connections_opened_total', shop), 1);
  assert.equal(value(families, 'sallyport_upstream_connections_reused_total', shop), 2);
  assert.equal(value(families, 'sallyport_upstream_connections_failed_total', odd), 1);
  assert.equal(value(families, 'sallyport_upstream_requests_total', { ...shop, outcome: '2xx' }), 1);
  assert.equal(value(families, 'sallyport_upstream_requests_total', { ...odd, outcome: 'failure' }), 1);
  assert.equal(value(families, 'sallyport_upstream_retries_total', odd), 1);
  assert.equal(value(families, 'sallyport_upstream_ejections_total', odd), 1);
  assert.equal(value(families, 'sallyport_upstream_target_usable', shop), 1);
  assert.equal(value(families, 'sallyport_upstream_target_usable', odd), 0);
  const limit = { kind: 'limit', policy: 'per-client' };
  assert.equal(value(families, 'sallyport_policy_requests_total', { ...limit, outcome: 'admitted' }), 2);
  assert.equal(value(families, 'sallyport_policy_requests_total', { ...limit, outcome: 'refused' }), 1);
  assert.equal(value(families, 'sallyport_policy_requests_total', { policy: '_other', outcome: 'full' }), 1);
  const outcomes = (kind: string) =>
    families
      .get('sallyport_policy_requests_total')
      ?.samples.filter(({ labels }) => labels.kind === kind)
      .map(({ labels, value: count }) => `${labels.policy} ${labels.outcome} ${count}`);
  assert.deepEqual(outcomes('throttle'), [
    'steady admitted 0',
    'steady waited 2',
    'steady late 1',
    'steady full 0',
    'steady left 0',
  ]);
  assert.deepEqual(outcomes('shed'), ['low refused 1']);
  const waits = 'sallyport_throttle_wait_seconds';
  assert.equal(value(families, `${waits}_bucket`, { policy: 'steady', le: '0.0025' }), 0);
  assert.equal(value(families, `${waits}_bucket`, { policy: 'steady', le: '0.005' }), 1);
  assert.equal(value(families, `${waits}_bucket`, { policy: 'steady', le: '10' }), 2);
  assert.equal(value(families, `${waits}_count`, { policy: 'steady' }), 3);
  assert.equal(value(families, `${waits}_sum`, { policy: 'steady' }), 20.044);
  assert.equal(value(families, 'sallyport_throttle_waiting', { policy: 'steady' }), 9);
  assert.equal(value(families, 'sallyport_concurrency_limit', { policy: 'route:orders' }), 40);
  assert.equal(value(families, 'sallyport_concurrency_requests', { policy: 'route:orders' }), 12);
  assert.equal(value(families, 'sallyport_concurrency_min_rtt_seconds', { policy: 'route:orders' }), 0.0025);
  assert.equal(value(families, 'sallyport_concurrency_min_rtt_seconds', { policy: 'upstream:shop' }), 0);
  assert.equal(value(families, 'sallyport_shedding_level'), 0.5);
  assert.equal(value(families, 'sallyport_limiter_slots_used'), 7);
  assert.equal(value(families, 'sallyport_limiter_full_total'), 3);
  assert.equal(value(families, 'sallyport_bans_capacity'), 1_024);
  assert.equal(value(families, 'sallyport_bans_kept'), 5);
  assert.equal(value(families, 'sallyport_bans_evicted_total'), 1);
  assert.equal(value(families, 'sallyport_bans_made_total'), 6);
  assert.equal(value(families, 'sallyport_bans_locks_taken_total'), 2);
  assert.equal(value(families, 'sallyport_bans_untold_total'), 3);
  const questions = 'sallyport_introspection_questions_total';
  assert.equal(value(families, questions, { result: 'active' }), 2);
  assert.equal(value(families, questions, { result: 'type' }), 1);
  assert.equal(value(families, questions, { result: 'full' }), 0);
  assert.equal(value(families, 'sallyport_auth_refused_total', { reason: 'type' }), 1);
  assert.equal(value(families, 'sallyport_introspection_answers_kept', { token: 'active' }), 7);
  assert.equal(value(families, 'sallyport_introspection_answers_kept', { token: 'other' }), 4);
  assert.equal(value(families, 'sallyport_revocations_capacity'), 2_048);
  assert.equal(value(families, 'sallyport_revocations'), 8);
  assert.equal(value(families, 'sallyport_revocations_unenforced'), 1);
  assert.equal(value(families, 'sallyport_revocations_refused_total'), 3);
  assert.equal(value(families, 'sallyport_replays_capacity'), 4_096);
  assert.equal(value(families, 'sallyport_replays_kept'), 70);
  assert.equal(value(families, 'sallyport_replays_seen_total'), 5);
  assert.equal(value(families, 'sallyport_replays_full_total'), 2);
  assert.equal(value(families, 'sallyport_replays_alone_total'), 4);
  assert.equal(value(families, 'sallyport_redis_up'), 1);
  assert.equal(value(families, 'sallyport_redis_fallbacks_total'), 2);
  assert.equal(value(families, 'sallyport_redis_exchanges_total', { result: 'failed' }), 4);
  assert.equal(value(families, 'sallyport_redis_lag_seconds'), 0.052);
  assert.equal(value(families, 'sallyport_issuer_fetches_total', { issuer: 'people', result: 'done' }), 3);
  assert.equal(value(families, 'sallyport_issuer_state', { issuer: 'people', state: 'stale' }), 1);
  assert.equal(value(families, 'sallyport_issuer_state', { issuer: 'people', state: 'ready' }), 0);
  assert.equal(value(families, 'sallyport_issuer_keys', { issuer: 'people' }), 2);
  assert.equal(value(families, 'sallyport_issuer_keys_age_seconds', { issuer: 'people' }), 90.5);
  assert.equal(families.get('sallyport_issuer_keys_age_seconds')?.samples.length, 1);
  assert.equal(value(families, 'sallyport_threads', { state: 'running' }), 2);
  assert.equal(value(families, 'sallyport_threads', { state: 'draining' }), 1);
  assert.equal(value(families, 'sallyport_thread_restarts_total'), 1);
  assert.equal(value(families, 'sallyport_reloads_total', { result: 'applied' }), 1);
  assert.equal(value(families, 'sallyport_reloads_total', { result: 'refused' }), 1);
  assert.equal(value(families, 'sallyport_config_info', { digest: 'def' }), 1);
  assert.equal(value(families, 'sallyport_config_generation'), 2);
  assert.equal(value(families, 'sallyport_config_applied_timestamp_seconds'), 6.5);
  assert.equal(value(families, 'sallyport_certificate_expiry_days', { name: 'a.example' }), 1);
  assert.equal(value(families, 'sallyport_certificate_expiry_days', { name: 'b.example' }), -1);
  assert.equal(value(families, 'sallyport_build_info', { version: '1.2.3', node: process.version }), 1);
  assert.ok(families.has('process_cpu_seconds_total') && families.has('nodejs_eventloop_lag_seconds'));
});

test('another target in a slot begins at zero; the same target after a reload goes on', async () => {
  targets = targets.map((target) => ({ ...target }));
  assert.equal(
    value(await scrape(), 'sallyport_upstream_connections_reused_total', { target: 'http://10.0.0.1:80' }),
    2,
  );
  targets = [{ slot: 0, upstream: 'shop', target: 'http://10.0.0.9:80', usable: true }];
  const another = { target: 'http://10.0.0.9:80' };
  assert.equal(value(await scrape(), 'sallyport_upstream_connections_reused_total', another), 0);
  threads[1].connectionReused(0);
  assert.equal(value(await scrape(), 'sallyport_upstream_connections_reused_total', another), 1);
});

test('scrapes at the same time share one answer; a route renamed by a reload is shown under its name', async () => {
  const [one, two] = [renderer.render(), renderer.render()];
  assert.equal(one, two);
  assert.equal(await one, await two);
  routes = [{ index: 1, name: 'people' }];
  const families = await scrape();
  assert.equal(value(families, 'sallyport_requests_total', { route: 'people', code_class: '2xx' }), 0);
  assert.equal(families.get('sallyport_request_bytes_total')?.samples.length, 3);
});

test('docs/metrics.md has one row per metric of ours, with its type, labels and meaning', async () => {
  const families = [...(await scrape()).values()].filter(({ name }) => name.startsWith('sallyport_'));
  const expected = families.map((family) => {
    const labels = [...new Set(family.samples.flatMap((sample) => Object.keys(sample.labels)))];
    const shown = labels.filter((label) => label !== 'le').map((label) => `\`${label}\``);
    return `| \`${family.name}\` | ${family.type} | ${shown.join(' ') || '-'} | ${family.help} |`;
  });
  const page = readFileSync(resolve('docs/metrics.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `sallyport_'));
  assert.deepEqual(rows, expected);
});

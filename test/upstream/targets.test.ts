import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UpstreamConfig } from '../../src/config/schema.ts';
import { SallyportError } from '../../src/errors.ts';
import { TARGETS_MAX } from '../../src/limits.ts';
import { TargetHealth } from '../../src/upstream/health.ts';
import { createTargetTable, MAIN_THREAD } from '../../src/upstream/layout.ts';
import { compileTargets, SlotRegistry } from '../../src/upstream/targets.ts';
import { upstreamOf } from './support.ts';

const GRACE_MS = 60_000;

function config(upstreams: Record<string, readonly string[]>): { upstreams: Record<string, UpstreamConfig> } {
  return { upstreams: Object.fromEntries(Object.entries(upstreams).map(([name, urls]) => [name, upstreamOf(urls)])) };
}

function many(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `http://host-${from + index}:80`);
}

/** TARGETS_MAX targets in upstreams of 256. */
function full(from: number): { upstreams: Record<string, UpstreamConfig> } {
  return config({ a: many(from, 256), b: many(from, 256), c: many(from, 256), d: many(from, 256) });
}

function registry(): { slots: SlotRegistry; main: TargetHealth; thread: TargetHealth } {
  const table = createTargetTable();
  const main = new TargetHealth(table, MAIN_THREAD);
  return { slots: new SlotRegistry(main, GRACE_MS), main, thread: new TargetHealth(table, 0) };
}

function refused(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof SallyportError);
    assert.equal(error.code, 'SP_CONFIG');
    assert.match(error.message, message);
    return true;
  });
}

describe('slots', () => {
  test('a target keeps its slot through reloads, wherever it stands in the file', () => {
    const { slots } = registry();
    const before = slots.assign(config({ api: ['http://a:80', 'http://b:80'], web: ['http://a:80'] }), 0);
    assert.equal(new Set(Object.values(before.slots)).size, 3, 'the same server of two upstreams has two slots');
    const after = slots.assign(config({ web: ['http://a/'], api: ['http://c:80', 'http://B:80', 'http://a'] }), 1);
    for (const key of Object.keys(before.slots)) assert.equal(after.slots[key], before.slots[key], key);
    assert.equal(Object.keys(after.slots).length, 4);
  });

  test('scheme and port make another target', () => {
    const { slots } = registry();
    const plan = slots.assign(config({ api: ['http://a', 'https://a', 'http://a:443', 'https://a:80'] }), 0);
    assert.deepEqual(Object.values(plan.slots), [0, 1, 2, 3]);
  });

  test('a plan survives JSON', () => {
    const { slots } = registry();
    const plan = slots.assign(config({ api: ['http://a:80'] }), 0);
    assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  });

  test('a slot is given on only after the grace, when idle in every thread, and cleared', () => {
    const { slots, main, thread } = registry();
    const first = slots.assign(full(0), 0);
    const slotOf = (host: number): number => first.slots[`a http host-${host} 80`] as number;
    main.setActive(slotOf(0), false);
    thread.requestStarted(slotOf(1));
    thread.connectionOpened(slotOf(2));
    const gone = config({ a: many(3, 253), b: many(0, 256), c: many(0, 256), d: many(0, 256) });
    const fresh = (host: number) =>
      config({ a: [...many(3, 253), ...many(host, 1)], b: many(0, 256), c: many(0, 256), d: many(0, 256) });
    slots.assign(gone, 1_000);
    refused(() => slots.assign(fresh(900), 1_000 + GRACE_MS - 1), /1 of them new, but of 1024 places 1024 are taken/);
    const second = slots.assign(fresh(900), 1_000 + GRACE_MS);
    assert.equal(second.slots['a http host-900 80'], slotOf(0), 'the only idle one');
    assert.equal(main.activelyUp(slotOf(0)), true, 'cleared');
    refused(() => slots.assign(fresh(901), 2_000 + GRACE_MS), /places/);
    thread.requestEnded(slotOf(1));
    const third = slots.assign(fresh(901), 1e9);
    assert.equal(third.slots['a http host-901 80'], slotOf(1));
    refused(
      () =>
        slots.assign(
          config({ a: [...many(3, 253), ...many(902, 3)], b: many(0, 256), c: many(0, 256), d: many(0, 256) }),
          1e9,
        ),
      /places/,
    );
    thread.connectionClosed(slotOf(2));
    refused(() => slots.assign(full(0), 2e9), /2 of them new/);
    slots.assign(gone, 2e9);
    assert.equal(Object.keys(slots.assign(full(0), 2e9 + GRACE_MS).slots).length, TARGETS_MAX);
  });

  test('one that comes back within the grace is the same as before', () => {
    const { slots, main } = registry();
    const before = slots.assign(config({ api: ['http://a', 'http://b'] }), 0);
    main.setActive(before.slots['api http b 80'] as number, false);
    slots.assign(config({ api: ['http://a'] }), 1);
    const after = slots.assign(config({ api: ['http://a', 'http://b'] }), 2);
    assert.deepEqual(after, before);
    assert.equal(main.activelyUp(after.slots['api http b 80'] as number), false);
  });

  test('what a refused configuration took is free again at once, and clean', () => {
    const { slots, main } = registry();
    const few = config({ a: many(0, 100) });
    const before = slots.assign(few, 0);
    for (let turn = 0; turn < 20; turn += 1) {
      const refusedPlan = slots.assign(config({ a: [...many(0, 100), ...many(1_000 + turn * 900, 900)] }), turn);
      assert.equal(Object.keys(refusedPlan.slots).length, 1_000);
      main.setActive(refusedPlan.slots[`a http host-${1_000 + turn * 900} 80`] as number, false);
      slots.giveBack();
      assert.deepEqual(slots.assign(few, turn), before);
    }
    const { slots: all } = slots.assign(full(0), 100);
    assert.equal(new Set(Object.values(all)).size, TARGETS_MAX, 'given out twice');
    for (const slot of Object.values(all)) assert.equal(main.activelyUp(slot), true);
  });

  test('of those, what a thread uses rests; so do targets that had gone before', () => {
    const { slots, thread } = registry();
    const few = config({ api: many(0, 1) });
    slots.assign(config({ api: many(0, 2) }), 0);
    slots.assign(few, 1);
    const tried = slots.assign(config({ api: many(0, 4) }), 2);
    const slotOf = (host: number): number => tried.slots[`api http host-${host} 80`] as number;
    thread.requestStarted(slotOf(2));
    slots.giveBack();
    slots.assign(few, 3);
    const next = slots.assign(config({ api: [...many(0, 1), ...many(10, TARGETS_MAX - 3)] }), 4);
    assert.ok(Object.values(next.slots).includes(slotOf(3)));
    for (const host of [1, 2]) assert.ok(!Object.values(next.slots).includes(slotOf(host)), `host-${host}`);
    refused(() => slots.assign(full(0), 5), /places/);
  });

  test('a refused configuration changes nothing', () => {
    const { slots } = registry();
    const before = slots.assign(full(0), 0);
    refused(() => slots.assign(full(5_000), 1e9), /1024 of them new/);
    refused(
      () => slots.assign(config({ a: ['http://a', 'http://A:80/'] }), 1e9),
      /upstreams\.a\.targets\[1\]\.url http:\/\/A:80\/ names a server for the second time/,
    );
    assert.deepEqual(slots.assign(full(0), 2e9), before);
  });
});

describe('targets', () => {
  const compile = (url: string, weight?: number) => {
    const upstream = { ...upstreamOf([url]), targets: [weight === undefined ? { url } : { url, weight }] };
    return compileTargets('api', upstream, registry().slots.assign({ upstreams: { api: upstream } }, 0))[0];
  };

  test('what the connection and the Host field need', () => {
    const common = { upstream: 'api', index: 0, slot: 0 };
    assert.deepEqual(compile('http://Example.COM'), {
      ...common,
      url: 'http://example.com',
      secure: false,
      hostname: 'example.com',
      port: 80,
      authority: 'example.com',
      weight: 1,
    });
    assert.deepEqual(compile('https://10.0.0.1:8443/', 7), {
      ...common,
      url: 'https://10.0.0.1:8443',
      secure: true,
      hostname: '10.0.0.1',
      port: 8443,
      authority: '10.0.0.1:8443',
      weight: 7,
    });
    assert.deepEqual(compile('https://[::1]'), {
      ...common,
      url: 'https://[::1]',
      secure: true,
      hostname: '::1',
      port: 443,
      authority: '[::1]',
      weight: 1,
    });
  });

  test('they are frozen', () => {
    assert.throws(() => Object.assign(compile('http://a') ?? {}, { slot: 5 }), TypeError);
  });

  const malformed = [
    'http://a:0',
    'http://a:65536',
    'http://a/path',
    'http://a\\b',
    'http://a?x',
    'http://a#x',
    'http://u@a',
    'http://u:p@a',
    'ftp://a',
    'http://',
    'http://[::1',
    'http://1.2.3.4.5',
    'a:80',
    '',
  ];
  for (const url of malformed) {
    test(`refused: ${JSON.stringify(url)}`, () =>
      refused(() => compile(url), /^upstreams\.api\.targets\[0\]\.url .* is not of the form/));
  }

  test('a plan of another configuration is refused', () => {
    refused(() => compileTargets('api', upstreamOf(['http://a']), { slots: {} }), /has no slot/);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UpstreamConfig } from '../../src/config/schema.ts';
import { type Balancer, compileBalancer, triedBit } from '../../src/upstream/balance.ts';
import { TargetHealth } from '../../src/upstream/health.ts';
import { createTargetTable } from '../../src/upstream/layout.ts';
import type { Target } from '../../src/upstream/targets.ts';
import { POLICY, spread, targetsOf, transaction } from './support.ts';

type Balance = UpstreamConfig['balance'];
const SEED = 12_345;
const POLICIES = ['round-robin', 'least-request', 'hash'] as const;

interface Rig {
  readonly health: TargetHealth;
  readonly targets: Target[];
  readonly balancer: Balancer;
}

function rig(balance: Balance, weights: readonly number[], hashBy = 'address', thread = 0): Rig {
  const health = new TargetHealth(createTargetTable(), thread);
  const targets = targetsOf(weights);
  return { health, targets, balancer: compileBalancer({ balance, hashBy }, targets, health, SEED) };
}

function eject(
  { health, targets }: Rig,
  index: number,
  nowMs: number,
  policy = { ...POLICY, ejectPercentMax: 100 },
): void {
  const slots = targets.map(({ slot }) => slot);
  for (let failure = 0; failure < 3; failure += 1) health.failed(index, policy, nowMs, slots);
  assert.equal(health.state(index, nowMs), 'ejected');
}

function names({ balancer }: Rig, picks: number): string {
  const tx = transaction();
  return Array.from({ length: picks }, () => 'abcdefgh'[balancer.pick(tx, 0, 0)?.index ?? 7]).join('');
}

/** Each count within `tolerance` of its share. */
function near(counts: readonly number[], shares: readonly number[], tolerance: number): void {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  for (const [index, share] of shares.entries()) {
    const error = Math.abs((counts[index] as number) / all - share / whole);
    assert.ok(error <= tolerance, `target ${index} got ${counts[index]} of ${all}, share ${share} of ${whole}`);
  }
}

describe('round robin', () => {
  test('weights hold exactly over a period, and picks are spread out', () => {
    assert.equal(names(rig('round-robin', [5, 1, 1]), 14), 'aabacaaaabacaa');
    for (const weights of [
      [1, 1],
      [3, 2, 1],
      [7, 1, 4, 4],
      [1_000, 1],
    ]) {
      const period = weights.reduce((sum, weight) => sum + weight, 0);
      const { balancer, targets } = rig('round-robin', weights);
      for (let round = 0; round < 3; round += 1) assert.deepEqual(spread(balancer, targets, period), weights);
    }
  });

  test('threads start at different targets', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((thread) => names(rig('round-robin', [1, 1, 1], 'address', thread), 3)),
      ['abc', 'bca', 'cab', 'abc'],
    );
  });

  test('the share of one that is out goes to the others by their weights', () => {
    const parts = rig('round-robin', [4, 2, 1, 1]);
    eject(parts, 0, 0);
    assert.deepEqual(spread(parts.balancer, parts.targets, 400), [0, 200, 100, 100]);
  });
});

describe('least request', () => {
  test('idle targets get their weights', () => {
    for (const weights of [
      [1, 1],
      [3, 1],
      [1, 2, 3, 4],
      [100, 1, 1],
    ]) {
      const { balancer, targets } = rig('least-request', weights);
      near(spread(balancer, targets, 40_000), weights, 0.01);
    }
  });

  test('a loaded target gets fewer, as two choices foretell', () => {
    const { balancer, targets, health } = rig('least-request', [1, 1, 1, 1]);
    for (let request = 0; request < 10; request += 1) health.requestStarted(2);
    const counts = spread(balancer, targets, 10_000);
    assert.equal(counts[2], 0, 'whoever is drawn with it has fewer');
    near(counts, [1, 1, 0, 1], 0.03);
  });

  test('load of other threads counts', () => {
    const table = createTargetTable();
    const targets = targetsOf([1, 1]);
    const other = new TargetHealth(table, 1);
    other.requestStarted(0);
    const balancer = compileBalancer(
      { balance: 'least-request', hashBy: 'address' },
      targets,
      new TargetHealth(table, 0),
      SEED,
    );
    assert.deepEqual(spread(balancer, targets, 100), [0, 100]);
  });

  test('under load, requests settle in proportion to weight', () => {
    for (const weights of [
      [1, 1, 1],
      [8, 1],
      [1_000, 1, 1],
      [1, 2, 3, 4, 5],
    ]) {
      const { balancer, health, targets } = rig('least-request', weights);
      const counts = targets.map(() => 0);
      const tx = transaction();
      for (let request = 0; request < 5_000; request += 1) {
        const target = balancer.pick(tx, 0, 0) as Target;
        health.requestStarted(target.slot);
        counts[target.index] = (counts[target.index] as number) + 1;
      }
      near(counts, weights, 0.02);
    }
  });

  test('most targets out: the rest is found, evenly', () => {
    const parts = rig(
      'least-request',
      Array.from({ length: 20 }, () => 1),
    );
    for (let index = 0; index < 18; index += 1) eject(parts, index, 0);
    const counts = spread(parts.balancer, parts.targets, 4_000);
    near(
      counts,
      Array.from({ length: 20 }, (_, index) => (index < 18 ? 0 : 1)),
      0.03,
    );
  });
});

describe('hash', () => {
  const keys = Array.from({ length: 20_000 }, (_, key) => `10.${key >> 16}.${(key >> 8) & 255}.${key & 255}`);

  function homes(targets: readonly Target[], health = new TargetHealth(createTargetTable(), 0)): string[] {
    const balancer = compileBalancer({ balance: 'hash', hashBy: 'address' }, targets, health, SEED);
    return keys.map((key) => balancer.pick(transaction(key), 0, 0)?.url ?? '');
  }

  test('a key has one home, in every thread, wherever the targets stand in the file', () => {
    const targets = targetsOf([1, 2, 3, 1, 1]);
    const sorted = [...targets].reverse().map((target, index) => ({ ...target, index }));
    assert.deepEqual(homes(sorted, new TargetHealth(createTargetTable(), 7)), homes(targets));
  });

  test('homes are spread by weight', () => {
    for (const weights of [[1, 1], [1, 2, 3, 4], [9, 1], Array.from({ length: 100 }, () => 1)]) {
      const targets = targetsOf(weights);
      const counts = new Map<string, number>();
      for (const home of homes(targets)) counts.set(home, (counts.get(home) ?? 0) + 1);
      near(
        targets.map(({ url }) => counts.get(url) ?? 0),
        weights,
        0.01,
      );
    }
  });

  test('the lightest of 256 targets still has a home', () => {
    const targets = targetsOf([1, ...Array.from({ length: 255 }, () => 1_000)]);
    const { balancer } = {
      balancer: compileBalancer(
        { balance: 'hash', hashBy: 'address' },
        targets,
        new TargetHealth(createTargetTable(), 0),
        SEED,
      ),
    };
    let found = false;
    for (let key = 0; key < 1_000_000 && !found; key += 1)
      found = balancer.pick(transaction(`k${key}`), 0, 0)?.index === 0;
    assert.ok(found);
  });

  test('when a target leaves, hardly more than its own keys move; the same when one comes', () => {
    for (const size of [2, 5, 10, 50]) {
      const all = targetsOf(Array.from({ length: size }, () => 1));
      const rest = all.slice(0, -1).map((target, index) => ({ ...target, index }));
      const before = homes(all);
      const after = homes(rest);
      const leaver = all.at(-1)?.url;
      const moved = keys.filter((_, key) => before[key] !== after[key]).length / keys.length;
      const strangers =
        keys.filter((_, key) => before[key] !== after[key] && before[key] !== leaver).length / keys.length;
      assert.ok(moved <= 1 / size + 0.05, `${size} targets: ${moved} moved`);
      assert.ok(strangers <= 0.04, `${size} targets: ${strangers} moved although their target stayed`);
    }
  });

  test('when a target is ejected, only its keys move, over all others, and they come home again', () => {
    const parts = rig('hash', [1, 1, 1, 1, 1]);
    const home = (nowMs: number) => keys.map((key) => parts.balancer.pick(transaction(key), nowMs, 0)?.index ?? -1);
    const before = home(0);
    eject(parts, 1, 0);
    const during = home(0);
    assert.ok(before.every((index, key) => index === 1 || during[key] === index));
    const refuge = during.filter((_, key) => before[key] === 1);
    near(
      [0, 1, 2, 3, 4].map((index) => refuge.filter((at) => at === index).length),
      [1, 0, 1, 1, 1],
      0.03,
    );
    parts.health.claim(1, 2_000);
    parts.health.succeeded(1, 2_000);
    assert.deepEqual(home(2_000), before);
  });

  test('one target left of many is found by every key', () => {
    const parts = rig(
      'hash',
      Array.from({ length: 40 }, () => 1),
    );
    for (let index = 0; index < 40; index += 1) if (index !== 23) eject(parts, index, 0);
    assert.deepEqual(
      new Set(keys.slice(0, 2_000).map((key) => parts.balancer.pick(transaction(key), 0, 0)?.index)),
      new Set([23]),
    );
  });

  test('hashBy header looks at the field and not at the address; without one it is round robin', () => {
    const { balancer } = rig('hash', [1, 1, 1], 'header:x-tenant');
    const homeOf = (client: string, field: string) => balancer.pick(transaction(client, field), 0, 0)?.index;
    assert.equal(new Set(keys.slice(0, 100).map((key) => homeOf(key, 'tenant-1'))).size, 1);
    assert.equal(new Set(keys.slice(0, 100).map((key) => homeOf('10.0.0.1', key))).size, 3);
    assert.deepEqual([homeOf('10.0.0.1', ''), homeOf('10.0.0.1', ''), homeOf('10.0.0.1', '')], [0, 1, 2]);
  });
});

describe('who may be picked', () => {
  for (const balance of POLICIES) {
    test(`${balance}: one held down by active checks or ejected gets nothing`, () => {
      const parts = rig(balance, [1, 1, 1]);
      eject(parts, 0, 0);
      parts.health.setActive(2, false);
      assert.deepEqual(spread(parts.balancer, parts.targets, 300), [0, 300, 0]);
    });

    test(`${balance}: all ejected is panic, all used again`, () => {
      const parts = rig(balance, [1, 1, 1]);
      for (const index of [0, 1, 2]) eject(parts, index, 0);
      const tx = transaction();
      const seen = new Set<number | undefined>();
      for (let key = 0; key < 300; key += 1) {
        tx.client = `10.0.0.${key}`;
        seen.add(parts.balancer.pick(tx, 0, 0)?.index);
      }
      assert.deepEqual([...seen].sort(), [0, 1, 2]);
    });

    test(`${balance}: panic does not bring back one that active checks hold down`, () => {
      const parts = rig(balance, [1, 1]);
      eject(parts, 0, 0);
      parts.health.setActive(1, false);
      assert.deepEqual(spread(parts.balancer, parts.targets, 50), [50, 0]);
      parts.health.setActive(0, false);
      assert.equal(parts.balancer.pick(transaction('1'), 0, 0), null);
    });

    test(`${balance}: a second try goes elsewhere, and back when there is no elsewhere`, () => {
      const parts = rig(balance, [1, 1, 1]);
      assert.equal(spread(parts.balancer, parts.targets, 60, 0, [1])[1], 0);
      assert.deepEqual(spread(parts.balancer, parts.targets, 60, 0, [0, 2]), [0, 60, 0]);
      assert.equal(
        spread(parts.balancer, parts.targets, 60, 0, [0, 1, 2]).reduce((a, b) => a + b),
        60,
      );
      eject(parts, 2, 0);
      assert.deepEqual(spread(parts.balancer, parts.targets, 60, 0, [0, 1])[2], 0, 'a tried one before an ejected one');
    });

    test(`${balance}: a half-open target is given one request, then none until it has answered`, () => {
      const parts = rig(balance, [1, 1]);
      eject(parts, 0, 0);
      const tx = transaction();
      const counts = [0, 0];
      for (let key = 0; key < 200; key += 1) {
        tx.client = `10.0.1.${key}`;
        const index = parts.balancer.pick(tx, 2_000, 0)?.index as number;
        counts[index] = (counts[index] as number) + 1;
      }
      assert.deepEqual(counts, [1, 199]);
      parts.health.succeeded(0, 2_000);
      assert.ok((spread(parts.balancer, parts.targets, 200, 2_000)[0] as number) > 50);
    });

    test(`${balance}: a lone target is picked however it fails, unless active checks hold it down`, () => {
      const parts = rig(balance, [3]);
      for (let failure = 0; failure < 20; failure += 1) parts.health.failed(0, POLICY, 0, [0]);
      assert.equal(parts.balancer.pick(transaction(), 0, triedBit(0))?.index, 0);
      parts.health.setActive(0, false);
      assert.equal(parts.balancer.pick(transaction(), 0, 0), null);
    });

    test(`${balance}: the largest upstream, every target reached, bits shared past 30`, () => {
      const parts = rig(
        balance,
        Array.from({ length: 256 }, () => 1),
      );
      const seen = new Set<number>();
      for (let key = 0; key < 20_000; key += 1)
        seen.add(parts.balancer.pick(transaction(`k${key}`), 0, 0)?.index as number);
      assert.equal(seen.size, 256);
      assert.notEqual(triedBit(29), triedBit(30));
      assert.equal(spread(parts.balancer, parts.targets, 2_000, 0, [200])[200], 0);
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TimerNode, TimerWheel } from '../../src/base/timer-wheel.ts';
import { fuzzRun } from '../support/fuzz.ts';

const TICK_MS = 10;
const SLOTS = 16;
const TURN_MS = TICK_MS * SLOTS;

class Probe extends TimerNode {
  fired = 0;
  onFire: () => void = () => {};

  fire(): void {
    this.fired += 1;
    this.onFire();
  }
}

/** A deadline as the model knows it: an entry of a plain list. */
interface Due {
  readonly node: Probe;
  readonly dueAt: number;
}

const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('schedule' as const), node: fc.nat(11), ms: delays() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), node: fc.nat(11), ms: fc.constant(0) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), node: fc.constant(0), ms: steps() }) },
);

function delays(): fc.Arbitrary<number> {
  const near = fc.double({ min: 0, max: 4 * TICK_MS, noNaN: true });
  return fc.oneof(
    near,
    fc.nat(3 * TURN_MS),
    fc.constantFrom(0, TICK_MS, TURN_MS - TICK_MS, TURN_MS, TURN_MS + TICK_MS),
  );
}

/** Ticks in time, ticks that come late, and stalls of more than a turn. */
function steps(): fc.Arbitrary<number> {
  const inTime = fc.double({ min: 0, max: TICK_MS, noNaN: true });
  return fc.oneof({ weight: 4, arbitrary: inTime }, fc.nat(5 * TICK_MS), fc.nat(4 * TURN_MS));
}

describe('timer wheel', () => {
  test('fires what a sorted list would: never early, less than two ticks late, once', (t) => {
    let fired = 0;
    const start = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(start, fc.array(command, { minLength: 40, maxLength: 120 }), (startAt, commands) => {
        let now = startAt;
        const wheel = new TimerWheel(now, TICK_MS, SLOTS);
        const nodes = Array.from({ length: 12 }, () => new Probe());
        let list: Due[] = [];
        const check = (): void => {
          for (const due of list) {
            const { node, dueAt } = due;
            if (node.fired > 0) assert.ok(now >= dueAt, `early: due ${dueAt}, fired at ${now}`);
            else assert.ok(now < dueAt + 2 * TICK_MS, `late: due ${dueAt}, silent at ${now}`);
            assert.equal(node.tick === -1, node.fired > 0);
          }
          fired += list.filter(({ node }) => node.fired === 1).length;
          list = list.filter(({ node }) => node.fired === 0).sort((a, b) => a.dueAt - b.dueAt);
          for (const node of nodes) assert.ok(node.fired <= 1, 'fired twice');
          for (const node of nodes) node.fired = 0;
        };
        for (const { kind, node: index, ms } of commands) {
          const node = nodes[index] as Probe;
          if (kind === 'advance') {
            now += ms;
            wheel.advance(now);
            const listed = new Set(list.map((due) => due.node));
            for (const other of nodes) if (!listed.has(other)) assert.equal(other.fired, 0, 'fired unasked');
            check();
            continue;
          }
          list = list.filter((due) => due.node !== node);
          if (kind === 'cancel') wheel.cancel(node);
          else {
            wheel.schedule(node, ms);
            list.push({ node, dueAt: now + ms });
          }
        }
      }),
      fuzzRun(t, 500),
    );
    assert.ok(fired > 500, `only ${fired} deadlines fired: the property tested nothing`);
  });

  test('a deadline set just before the next tick is not early by that tick', () => {
    const wheel = new TimerWheel(0, TICK_MS, SLOTS);
    const node = new Probe();
    // The clock is at 9.9 already, the wheel has not heard of it.
    wheel.schedule(node, TICK_MS);
    wheel.advance(10);
    wheel.advance(19.8);
    assert.equal(node.fired, 0);
    wheel.advance(20);
    assert.equal(node.fired, 1);
  });

  test('a callback that schedules again while the wheel catches up on a stall waits its whole delay', () => {
    const wheel = new TimerWheel(0, TICK_MS, SLOTS);
    const node = new Probe();
    node.onFire = () => wheel.schedule(node, 5 * TICK_MS);
    wheel.schedule(node, TICK_MS);
    for (const stalled of [1_000, 10 * TURN_MS + 1_000]) {
      const before = node.fired;
      wheel.advance(stalled);
      assert.equal(node.fired, before + 1, `fired again at once after a stall until ${stalled}`);
      wheel.advance(stalled + 5 * TICK_MS - 1);
      assert.equal(node.fired, before + 1);
    }
  });

  test('callbacks may cancel and move their neighbours of the same slot, themselves, and set new ones', () => {
    const wheel = new TimerWheel(0, TICK_MS, SLOTS);
    const cancelled = new Probe();
    const moved = new Probe();
    const added = new Probe();
    const first = new Probe();
    const others = Array.from({ length: 5 }, () => new Probe());
    let rounds = 0;
    first.onFire = () => {
      rounds += 1;
      wheel.cancel(cancelled);
      wheel.schedule(moved, 3 * TICK_MS);
      wheel.schedule(added, 0);
      if (rounds < 3) wheel.schedule(first, 0);
    };
    // The newest of a slot is looked at first: `first` fires while all others still wait.
    for (const node of [cancelled, moved, ...others, first]) wheel.schedule(node, TICK_MS);
    wheel.advance(2 * TICK_MS);
    assert.deepEqual([first.fired, cancelled.fired, moved.fired, added.fired], [1, 0, 0, 0]);
    assert.deepEqual(
      others.map(({ fired }) => fired),
      [1, 1, 1, 1, 1],
    );
    for (let tick = 3; tick <= 9; tick += 1) wheel.advance(tick * TICK_MS);
    assert.deepEqual([first.fired, cancelled.fired, moved.fired], [3, 0, 1]);
    assert.equal(added.fired, 1, 'moved on with each round, then fired');
  });

  test('a node in the middle, at the head and at the end of a slot is taken out cleanly', () => {
    for (const victim of [0, 1, 2]) {
      const wheel = new TimerWheel(0, TICK_MS, SLOTS);
      const nodes = [new Probe(), new Probe(), new Probe()];
      for (const node of nodes) wheel.schedule(node, TICK_MS);
      wheel.cancel(nodes[victim] as Probe);
      wheel.cancel(nodes[victim] as Probe);
      wheel.advance(10 * TICK_MS);
      assert.deepEqual(
        nodes.map(({ fired }) => fired),
        [0, 1, 2].map((index) => (index === victim ? 0 : 1)),
      );
      for (const node of nodes) assert.deepEqual([node.next, node.previous, node.tick], [null, null, -1]);
    }
  });

  test('a delay of several turns is passed over until its turn comes', () => {
    const wheel = new TimerWheel(0, TICK_MS, SLOTS);
    const far = new Probe();
    const never = new Probe();
    wheel.schedule(far, 3 * TURN_MS + 5);
    wheel.schedule(never, Number.POSITIVE_INFINITY);
    for (let now = TICK_MS; now < 3 * TURN_MS + 5; now += TICK_MS) wheel.advance(now);
    assert.equal(far.fired, 0);
    wheel.advance(3 * TURN_MS + 25);
    assert.equal(far.fired, 1);
    wheel.advance(1e6);
    assert.equal(never.fired, 0);
    wheel.cancel(never);
    assert.equal(never.tick, -1);
  });
});

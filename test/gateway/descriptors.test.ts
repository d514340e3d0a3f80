import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { DescriptorWatch } from '../../src/gateway/descriptors.ts';

type Change = readonly [accepting: boolean, open: number];

/** Holds descriptors open for as long as a test needs them. */
class Hoard {
  readonly #held: number[] = [];

  hold(count: number): void {
    while (this.#held.length > count) closeSync(this.#held.pop() as number);
    while (this.#held.length < count) this.#held.push(openSync('/dev/null', 'r'));
  }
}

const openNow = (): number => readdirSync('/proc/self/fd').length;

describe('descriptor watch', () => {
  test('stops at 85 %, goes on below 75 %, and says each once', () => {
    const changes: Change[] = [];
    const hoard = new Hoard();
    const base = openNow();
    const limit = base + 400;
    const watch = new DescriptorWatch((accepting, open) => changes.push([accepting, open]), limit);
    const stopAt = Math.floor(limit * 0.85);
    const resumeAt = Math.floor(limit * 0.75);
    try {
      for (const open of [base, stopAt - 1, stopAt, stopAt + 5, stopAt - 1, resumeAt, resumeAt - 1, resumeAt, stopAt]) {
        hoard.hold(open - base);
        watch.tick();
        assert.equal(watch.open, open);
      }
    } finally {
      hoard.hold(0);
    }
    assert.deepEqual(changes, [
      [false, stopAt],
      [true, resumeAt - 1],
      [false, stopAt],
    ]);
  });

  test('keeps 16 free where the limit is low', () => {
    const changes: Change[] = [];
    const hoard = new Hoard();
    const base = openNow();
    const limit = base + 20;
    const watch = new DescriptorWatch((accepting, open) => changes.push([accepting, open]), limit);
    try {
      const stopAt = Math.min(limit - 16, Math.floor(limit * 0.85));
      hoard.hold(Math.max(0, stopAt - base));
      watch.tick();
      assert.equal(changes[0]?.[0], false);
    } finally {
      hoard.hold(0);
    }
  });

  test('reads the limit of this process', () => {
    const { limit } = new DescriptorWatch(() => {});
    assert.ok(limit >= 256, `${limit}`);
  });

  test('without a limit it never stops', () => {
    const watch = new DescriptorWatch(() => assert.fail('changed'), Number.POSITIVE_INFINITY);
    watch.tick();
    assert.ok(watch.open > 3);
  });
});

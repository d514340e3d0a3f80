import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { superviseSignals } from '../../src/cli/signals.ts';

function scene() {
  const emitter = new EventEmitter();
  const events: string[] = [];
  const state = { nowMs: 0, hungUp: false };
  let endReload: (error?: Error) => void = () => {};
  let endStop: (code: number) => void = () => {};
  const signals = superviseSignals({
    emitter,
    hungUp: () => state.hungUp,
    exitNow: () => events.push('exit'),
    report: (error) => events.push(`report ${(error as Error).message}`),
    now: () => state.nowMs,
  });
  const gateway = {
    reload: () => {
      events.push('reload');
      return new Promise<void>((resolve, reject) => {
        endReload = (error) => (error === undefined ? resolve() : reject(error));
      });
    },
    stop: () => {
      events.push('stop');
      return new Promise<number>((resolve) => {
        endStop = resolve;
      });
    },
  };
  return {
    emitter,
    events,
    state,
    signals,
    gateway,
    endReload: (error?: Error) => endReload(error),
    endStop: (code: number) => endStop(code),
  };
}

/** Lets every promise that can go on go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} stops the gateway and gives its exit code`, async () => {
    const { emitter, events, signals, gateway, endStop } = scene();
    const done = signals.untilStopped(gateway);
    emitter.emit(signal);
    await settle();
    assert.deepEqual(events, ['stop']);
    endStop(3);
    assert.equal(await done, 3);
  });
}

test('a second one ends the process at once, the same key stroke passed on twice does not', async () => {
  const { emitter, events, state, signals, gateway } = scene();
  void signals.untilStopped(gateway);
  emitter.emit('SIGINT');
  state.nowMs = 499;
  emitter.emit('SIGINT');
  await settle();
  assert.deepEqual(events, ['stop']);
  state.nowMs = 500;
  emitter.emit('SIGTERM');
  assert.deepEqual(events, ['stop', 'exit']);
});

test('a signal that comes while the gateway starts is kept', async () => {
  const { emitter, events, signals, gateway } = scene();
  emitter.emit('SIGTERM');
  void signals.untilStopped(gateway);
  await settle();
  assert.deepEqual(events, ['stop']);
});

test('SIGHUP while the gateway starts reloads afterwards', async () => {
  const { emitter, events, signals, gateway } = scene();
  emitter.emit('SIGHUP');
  void signals.untilStopped(gateway);
  await settle();
  assert.deepEqual(events, ['reload']);
});

test('SIGHUPs during a reload make one more, never two at once', async () => {
  const { emitter, events, signals, gateway, endReload } = scene();
  void signals.untilStopped(gateway);
  for (let times = 0; times < 3; times += 1) emitter.emit('SIGHUP');
  await settle();
  assert.deepEqual(events, ['reload']);
  endReload();
  await settle();
  assert.deepEqual(events, ['reload', 'reload']);
  endReload();
  await settle();
  assert.deepEqual(events, ['reload', 'reload']);
});

test('a reload that throws is reported, and the next one still runs', async () => {
  const { emitter, events, signals, gateway, endReload } = scene();
  void signals.untilStopped(gateway);
  emitter.emit('SIGHUP');
  await settle();
  endReload(new Error('boom'));
  await settle();
  emitter.emit('SIGHUP');
  await settle();
  assert.deepEqual(events, ['reload', 'report boom', 'reload']);
});

test('SIGHUP of a terminal that went away stops', async () => {
  const { emitter, events, state, signals, gateway } = scene();
  void signals.untilStopped(gateway);
  state.hungUp = true;
  emitter.emit('SIGHUP');
  await settle();
  assert.deepEqual(events, ['stop']);
});

test('release takes every handler away', () => {
  const { emitter, signals } = scene();
  assert.equal(emitter.eventNames().length, 3);
  signals.release();
  assert.deepEqual(emitter.eventNames(), []);
});

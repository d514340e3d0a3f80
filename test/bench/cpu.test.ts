import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { parseTimes, treeCpuUs, treeTicks } from '../../bench/cpu.ts';
import { disturbanceBetween, parseMachineTicks } from '../../bench/machine.ts';

/** proc(5): state, ppid, pgrp, session, tty, tpgid, flags, four kinds of faults, then the times. */
const FIELDS = 'S 40 7 7 0 -1 4194560 100 200 3 4 11 22 33 44 20 0 9 0 12345 1000 200 18446744073709551615';

describe('one process', () => {
  test('its parent, and the sum of its own and its reaped children’s ticks', () => {
    assert.deepEqual(parseTimes(`41 (nginx) ${FIELDS}`), { pid: 41, parent: 40, ticks: 110 });
  });

  test('whatever it calls itself', () => {
    for (const name of ['a b', 'a) S 1 1 1', '(', ')', '']) {
      assert.deepEqual(parseTimes(`41 (${name}) ${FIELDS}`), { pid: 41, parent: 40, ticks: 110 }, name);
    }
  });

  test('a text of another kind is refused', () => {
    for (const text of [
      '',
      '41',
      '41 (nginx) S 40',
      `x (nginx) ${FIELDS}`,
      `41 (nginx) ${FIELDS.replace('22', 'x')}`,
    ]) {
      assert.throws(() => parseTimes(text), { message: `not a line of /proc/PID/stat: ${text}` });
    }
  });
});

describe('a tree of processes', () => {
  const processes = [
    { pid: 1, parent: 0, ticks: 1_000 },
    { pid: 10, parent: 1, ticks: 1 },
    { pid: 11, parent: 10, ticks: 2 },
    { pid: 12, parent: 11, ticks: 4 },
    { pid: 13, parent: 10, ticks: 8 },
    { pid: 20, parent: 1, ticks: 16 },
  ];

  test('counts the root and everything below it', () => {
    assert.equal(treeTicks(processes, 10), 15);
    assert.equal(treeTicks(processes, 12), 4);
    assert.equal(treeTicks(processes, 1), 1_031);
  });

  test('is null when its root is gone', () => {
    assert.equal(treeTicks(processes, 99), null);
    // Above the highest that Linux gives.
    assert.throws(() => treeCpuUs(2 ** 22 + 1), { message: `process ${2 ** 22 + 1} is gone` });
  });

  test('sees the work of threads and of grandchildren that have ended', { timeout: 30_000 }, async () => {
    const burn = (ms: number) => `const end = process.cpuUsage().user + ${ms * 1_000};
      while (process.cpuUsage().user < end);`;
    const thread = `new (require('node:worker_threads').Worker)(${JSON.stringify(burn(300))}, { eval: true })`;
    const child = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(burn(300))}])`;
    const script = `${thread}.on('exit', () => { ${child}; console.log('done'); setInterval(() => {}, 1e6); });`;
    const worker = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(worker.stdout, 'data');
      const us = treeCpuUs(worker.pid ?? 0);
      assert.ok(us >= 590_000, `${us} us of at least 600,000`);
      assert.ok(us < 6_000_000, `${us} us`);
      assert.ok(treeCpuUs(process.pid) >= us);
    } finally {
      worker.kill('SIGKILL');
    }
  });
});

describe('the machine', () => {
  test('work and theft of all cores', () => {
    const text = 'cpu  10 20 30 4000 50 60 70 80 9 9\ncpu0 1 2 3 4 5 6 7 8 9 10\n';
    assert.deepEqual(parseMachineTicks(text), { busy: 60, stolen: 80 });
    for (const other of ['', 'cpu0 1 2 3 4 5 6 7 8\n', 'cpu  1 2 3\n', 'intr 1 2 3 4 5 6 7 8\n']) {
      assert.throws(() => parseMachineTicks(other), { message: /does not begin with the times of all cores/ });
    }
  });

  test('our own work is no disturbance', () => {
    const before = { atMs: 1_000, busy: 500, stolen: 10, oursUs: 2_000_000 };
    // Two seconds in which 3 s of CPU were used, 1 s of it by us, and 0.2 s were taken by the host.
    const now = { atMs: 3_000, busy: 800, stolen: 30, oursUs: 3_000_000 };
    assert.deepEqual(disturbanceBetween(before, now, 100), { othersCores: 1, stolenCores: 0.1 });
    assert.deepEqual(disturbanceBetween(before, { ...now, oursUs: 9_000_000 }, 100).othersCores, 0);
  });
});

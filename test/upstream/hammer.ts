import { parentPort, workerData } from 'node:worker_threads';
import { compileCircuit } from '../../src/upstream/circuit.ts';
import { TargetHealth } from '../../src/upstream/health.ts';
import { meet } from '../support/hammer.ts';
import type { HammerJob, HammerResult } from './hammer-job.ts';

/** A thread that waits at a gate before each round and then does its share as fast as it can. */
const place = workerData as HammerJob;
const { job, table, gate, thread, threads, rounds, slots } = place;
const health = new TargetHealth(table, thread);
const words = new Int32Array(gate);
const policy = { failuresMax: 40, ejectMs: 1_000, ejectMsMax: 1_000, ejectPercentMax: 50 };
const result: HammerResult = { perRound: [], timeOrigin: performance.timeOrigin };

for (let round = 0; round < rounds; round += 1) {
  const nowMs = 1_000_000 + round * 10_000;
  meet(words, place, round);
  if (job === 'eject') result.perRound.push(eject(nowMs));
  else if (job === 'spread') result.perRound.push(ejectMine(nowMs));
  else if (job === 'claim') result.perRound.push(health.claim(slots[0] as number, nowMs) ? 1 : 0);
  else result.perRound.push(enter(round));
  meet(words, place, round);
}
parentPort?.postMessage(result);

/** All threads fail the same target. */
function eject(nowMs: number): number {
  let ejected = 0;
  for (let failure = 0; failure < 500; failure += 1) {
    if (health.failed(slots[0] as number, policy, nowMs, slots)) ejected += 1;
  }
  return ejected;
}

/** Each thread fails a target of its own. */
function ejectMine(nowMs: number): number {
  let ejected = 0;
  for (let failure = 0; failure < 500; failure += 1) {
    if (health.failed(slots[thread] as number, policy, nowMs, slots)) ejected += 1;
  }
  return ejected;
}

/** Four threads want up to 4 of 10 places each, over and over. Returns how many this one holds at the end. */
function enter(round: number): number {
  const circuit = compileCircuit({ requestsMax: 10, connectionsMax: 10, pendingMax: 0 }, health, threads);
  const slot = slots[0] as number;
  let held = 0;
  for (let request = 0; request < 5_000; request += 1) {
    if (circuit.enterRequest(slot)) {
      held += 1;
      const inside = Atomics.add(words, 2, 1) + 1;
      if (inside > 10) throw new Error(`${inside} requests are in, 10 allowed`);
    }
    if (held === 4 || (held > 0 && request % 7 === thread)) {
      held -= 1;
      Atomics.sub(words, 2, 1);
      circuit.leaveRequest(slot);
    }
    health.connectionOpened(slot);
    if (request % 2 === 0) health.connectionClosed(slot);
  }
  if (round === rounds - 1) return held;
  for (; held > 0; held -= 1) {
    Atomics.sub(words, 2, 1);
    circuit.leaveRequest(slot);
  }
  return 0;
}

import { randomInt } from 'node:crypto';
import { spreadOf } from '../bench/statistics.ts';
import type { Row, Way } from './bench.ts';
import type { RowResult, WayResult } from './results.ts';

export interface RaceOptions {
  readonly rounds: number;
  /** Of a turn, or one pass, if that takes longer. */
  readonly turnMs: number;
}

/** Turns of each way that do not count: its code is compiled in them. */
const WARM_TURNS = 5;

interface Runner {
  readonly way: Way;
  /** Passes so far. */
  pass: number;
  readonly cpuUs: number[];
  readonly wallUs: number[];
}

/**
 * Lets the ways of a row take turns, round by round, in an order of chance: what the machine does meanwhile meets all
 * alike, and nobody always comes behind the same one, whose garbage and caches it would inherit. No collection is
 * forced in between: a full one also throws compiled code away, and made what has much code seem five times dearer.
 *
 * @returns  Medians and extremes over the rounds, per operation.
 * @throws   Error when a pass does not prove its work.
 */
export async function race(row: Row, options: RaceOptions): Promise<RowResult> {
  const runners = row.ways.map((way): Runner => ({ way, pass: 0, cpuUs: [], wallUs: [] }));
  for (let round = -WARM_TURNS; round < options.rounds; round += 1) {
    for (const runner of shuffled(runners)) {
      const { cpuUs, wallUs } = await turn(runner, row, options.turnMs);
      if (round < 0) continue;
      runner.cpuUs[round] = cpuUs;
      runner.wallUs[round] = wallUs;
    }
  }
  const [first] = runners;
  return { name: row.name, ways: runners.map((runner) => resultOf(runner, first ?? runner, row)) };
}

async function turn(runner: Runner, row: Row, turnMs: number): Promise<{ cpuUs: number; wallUs: number }> {
  const { begin, run, cpuUs = ownCpuUs } = runner.way;
  let [spentUs, wallMs, passes] = [0, 0, 0];
  while (row.passes === undefined ? wallMs < turnMs : passes < row.passes) {
    const { pass } = runner;
    await begin?.(pass);
    const startedAt = performance.now();
    const before = cpuUs();
    const answer = run(pass);
    // A wait would cost a way that answers at once.
    const proof = typeof answer === 'number' ? answer : await answer;
    spentUs += cpuUs() - before;
    wallMs += performance.now() - startedAt;
    const wanted = typeof row.proof === 'number' ? row.proof : row.proof(pass);
    if (proof !== wanted) throw new Error(`${row.name}, ${runner.way.name}: pass ${pass} gave ${proof}, not ${wanted}`);
    runner.pass += 1;
    passes += 1;
  }
  const operations = passes * row.operations;
  return { cpuUs: spentUs / operations, wallUs: (wallMs * 1_000) / operations };
}

function resultOf({ way, pass, cpuUs, wallUs }: Runner, first: Runner, row: Row): WayResult {
  return {
    name: way.name,
    cpuUs: spreadOf(cpuUs),
    wallUs: spreadOf(wallUs),
    ratio: spreadOf(cpuUs.map((us, round) => us / (first.cpuUs[round] ?? Number.NaN))),
    operations: pass * row.operations,
  };
}

function ownCpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function shuffled<T>(items: readonly T[]): T[] {
  const mixed = [...items];
  for (let left = mixed.length; left > 1; left -= 1) mixed.push(...mixed.splice(randomInt(left), 1));
  return mixed;
}

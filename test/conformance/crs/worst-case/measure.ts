import { generator } from '../../../../bench/random.ts';
import { spreadOf } from '../../../../bench/statistics.ts';
import type { RuleEngine } from '../../../../src/waf/engine.ts';
import { type Asked, FACTS } from '../../../support/inspections.ts';
import type { HostilePlace } from './places.ts';
import type { HostileText } from './texts.ts';

/** One hostile text in one place. Milliseconds of CPU: medians. */
export interface Cost {
  readonly place: string;
  readonly text: string;
  readonly gatedMs: number;
  readonly plainMs: number;
  /** Of the medians. */
  readonly ratio: number;
  /** Most rules that held. */
  readonly matches: number;
}

/** Rounds of one cell beside the first, which warms up; fewer where one takes long. */
const ROUNDS_LEAST = 2;
const ROUNDS_MAX = 6;
const CELL_MS = 300;

/**
 * Both engines by turns, the same request for both, another one in each round. Phases 1, 2 and 5: what a request costs
 * without its answer.
 *
 * @throws  What the engine failed with.
 */
export function costOf(place: HostilePlace, text: HostileText, gated: RuleEngine, plain: RuleEngine): Cost {
  const random = generator(1);
  const [withGate, without]: [number[], number[]] = [[], []];
  let matches = 0;
  const startedAt = performance.now();
  for (let round = 0; round <= ROUNDS_MAX; round += 1) {
    if (round > ROUNDS_LEAST && performance.now() - startedAt > CELL_MS) break;
    const asked = place.fill(text, random);
    const runs = [
      () => withGate.push(cpuMs(() => inspected(gated, asked))),
      () => without.push(cpuMs(() => (matches = Math.max(matches, inspected(plain, asked))))),
    ];
    for (const run of round % 2 === 0 ? runs : runs.toReversed()) run();
  }
  const [gatedMs, plainMs] = [spreadOf(withGate.slice(1)).median, spreadOf(without.slice(1)).median];
  return { place: place.name, text: text.name, gatedMs, plainMs, ratio: gatedMs / plainMs, matches };
}

function cpuMs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** @returns  How many rules held. */
function inspected(engine: RuleEngine, asked: Asked): number {
  const inspection = engine.begin({ ...FACTS, ...asked });
  const phases = [inspection.requestHeaders(), inspection.requestBody(asked.body ?? '', false), inspection.logging()];
  for (const outcome of phases) if (outcome.kind === 'failed') throw outcome.error;
  return inspection.matches.length;
}

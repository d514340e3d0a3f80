import { generator } from '../../../../bench/random.ts';
import { spreadOf } from '../../../../bench/statistics.ts';
import type { RuleEngine } from '../../../../src/waf/engine.ts';
import { FACTS, type Asked } from '../../../support/inspections.ts';
import type { HostilePlace } from './places.ts';
import type { HostileText } from './texts.ts';

/** One hostile text in one place. Milliseconds of CPU, medians. */
export interface Cost {
  readonly place: string;
  readonly text: string;
  readonly gatedMs: number;
  readonly plainMs: number;
  /** Of the medians. */
  readonly ratio: number;
  /** Rules that held. */
  readonly matches: number;
}

/** Rounds of one cell: less where one takes long. */
const ROUNDS_MAX = 7;
const CELL_MS = 1_500;

/** Both engines by turns, the same request for both, another in each round. Phases 1, 2 and 5, as a request costs. */
export function costOf(place: HostilePlace, text: HostileText, gated: RuleEngine, plain: RuleEngine, seed = 1): Cost {
  const random = generator(seed);
  const [withGate, without]: [number[], number[]] = [[], []];
  let matches = 0;
  const startedAt = performance.now();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    if (round > 1 && performance.now() - startedAt > CELL_MS) break;
    const asked = place.fill(text, random);
    const order = [() => withGate.push(cpuMs(gated, asked)), () => {
      without.push(cpuMs(plain, asked));
    }];
    if (round % 2 === 1) order.reverse();
    for (const run of order) run();
    matches = Math.max(matches, inspected(plain, asked));
  }
  // The first round warms up.
  const [gatedMs, plainMs] = [spreadOf(withGate.slice(1)).median, spreadOf(without.slice(1)).median];
  return { place: place.name, text: text.name, gatedMs, plainMs, ratio: gatedMs / plainMs, matches };
}

function cpuMs(engine: RuleEngine, asked: Asked): number {
  const before = process.cpuUsage();
  inspected(engine, asked);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** @returns  How many rules held. */
function inspected(engine: RuleEngine, asked: Asked): number {
  const inspection = engine.begin({ ...FACTS, ...asked });
  for (const outcome of [inspection.requestHeaders(), inspection.requestBody(asked.body ?? '', false), inspection.logging()]) {
    if (outcome.kind === 'failed') throw outcome.error;
  }
  return inspection.matches.length;
}

import { generator } from '../../../../bench/random.ts';
import { spreadOf } from '../../../../bench/statistics.ts';
import type { RuleEngine } from '../../../../src/waf/engine.ts';
import type { RuleMatch } from '../../../../src/waf/inspection.ts';
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
 * @throws  What an engine failed with, and where the two say different things.
 */
export function costOf(place: HostilePlace, text: HostileText, gated: RuleEngine, plain: RuleEngine): Cost {
  const random = generator(1);
  const [withGate, without]: [number[], number[]] = [[], []];
  let matches = 0;
  const startedAt = performance.now();
  for (let round = 0; round <= ROUNDS_MAX; round += 1) {
    if (round > ROUNDS_LEAST && performance.now() - startedAt > CELL_MS) break;
    const asked = place.fill(text, random);
    const first = round % 2 === 0 ? inspected(gated, asked) : null;
    const other = inspected(plain, asked);
    const one = first ?? inspected(gated, asked);
    if (JSON.stringify(one.matches) !== JSON.stringify(other.matches)) {
      throw new Error(`the gate changes what rules say of ${place.name}, ${text.name}, round ${round}`);
    }
    withGate.push(one.cpuMs);
    without.push(other.cpuMs);
    matches = Math.max(matches, other.matches.length);
  }
  const [gatedMs, plainMs] = [spreadOf(withGate.slice(1)).median, spreadOf(without.slice(1)).median];
  return { place: place.name, text: text.name, gatedMs, plainMs, ratio: gatedMs / plainMs, matches };
}

interface Inspected {
  readonly cpuMs: number;
  readonly matches: readonly RuleMatch[];
}

function inspected(engine: RuleEngine, asked: Asked): Inspected {
  const before = process.cpuUsage();
  const inspection = engine.begin({ ...FACTS, ...asked });
  const phases = [inspection.requestHeaders(), inspection.requestBody(asked.body ?? '', false), inspection.logging()];
  const { user, system } = process.cpuUsage(before);
  for (const outcome of phases) if (outcome.kind === 'failed') throw outcome.error;
  return { cpuMs: (user + system) / 1_000, matches: inspection.matches };
}

import { Decision } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { LimiterTable } from '../../src/limiter/table.ts';

/** A way to decide over a table of its own. */
export function freshDecision(slots = 1_024): Decision {
  const words = createLimiterWords(slots, 0);
  return new Decision(new LimiterTable(words), new KeyHash(1, 2));
}

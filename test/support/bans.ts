import { BanTable } from '../../src/abuse/ban-table.ts';
import { createBanWords } from '../../src/abuse/layout.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';
import type { ThreadBans } from '../../src/pipeline/context.ts';

/** Bans of a thread over tables of its own. */
export function freshBans(report: ThreadBans['report'] = () => undefined): ThreadBans {
  return {
    table: new BanTable(createBanWords(1_024)),
    hash: new KeyHash(1, 2),
    window: new SlidingWindow(new LimiterTable(createLimiterWords(1_024, 0))),
    report,
  };
}

// hot path: synchronous, never throws
import type { StrictOutcome } from '../limiter/strict.ts';
import type { RouteLimit } from './limit-rules.ts';

/** What Redis decided about a request, as its answer tells it. */
export class StrictFacts {
  /** Limits that Redis was asked about, in that order. */
  readonly asked: readonly RouteLimit[];
  /** Longest wait, milliseconds; 0 when admitted. */
  readonly waitMs: number = 0;
  /** Of the window with that wait, or else with least room left. */
  readonly limit: RouteLimit;
  readonly windowName: string;
  readonly remaining: number;
  readonly leftMs: number;

  /** @param asked  At least one. */
  constructor(asked: readonly RouteLimit[], { waitsMs, remaining, leftsMs }: StrictOutcome) {
    const windows = asked.flatMap((limit) => limit.windowNames.map((windowName) => ({ limit, windowName })));
    let at = 0;
    for (let i = 1; i < windows.length; i += 1) {
      const longer = (waitsMs[i] as number) - (waitsMs[at] as number);
      if (longer > 0 || (longer === 0 && (remaining[i] as number) < (remaining[at] as number))) at = i;
    }
    const { limit, windowName } = windows[at] as (typeof windows)[number];
    this.asked = asked;
    this.waitMs = waitsMs[at] as number;
    this.limit = limit;
    this.windowName = windowName;
    this.remaining = remaining[at] as number;
    this.leftMs = leftsMs[at] as number;
  }
}

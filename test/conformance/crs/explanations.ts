import type { Probe } from './stage.ts';

/** Rules that libmodsecurity 3.0.9 sees otherwise for a reason of its own, in requests where that reason holds. */
export interface Explanation {
  readonly reason: string;
  readonly side: 'missed' | 'surplus';
  readonly explains: (probe: Probe, ruleId: number) => boolean;
}

/** Rules with REQUEST_BODY among their variables. */
const BODY_RULES: ReadonlySet<number> = new Set([
  920260, 920272, 920273, 921110, 931110, 934210, 934220, 944100, 944110, 944120, 944130, 944200, 944210, 944240,
  944250, 944260, 944300,
]);

/** Sums of what other rules found: they differ because others do. */
export const SCORE_RULES: ReadonlySet<number> = new Set([949110, 959100, 980170]);

export const EXPLANATIONS: readonly Explanation[] = [
  {
    // Said by the rule set's own list of overrides for nginx; ModSecurity 2 and Coraza leave it empty for them.
    reason: 'REQUEST_BODY holds multipart and XML bodies too',
    side: 'missed',
    explains: ({ bytes }, ruleId) =>
      BODY_RULES.has(ruleId) && /\r\ncontent-type: (?:multipart\/|application\/xml|text\/xml)/i.test(headOf(bytes)),
  },
  {
    // Said there, too.
    reason: 'the first link of a chain is logged where the chain does not hold',
    side: 'missed',
    explains: (_, ruleId) => ruleId === 942131,
  },
  {
    reason: 'the path ends at an encoded question mark (CVE-2024-1019)',
    side: 'surplus',
    explains: ({ bytes }) => /^[A-Z]+ [^? ]*%3f/i.test(headOf(bytes)),
  },
];

/** @returns  Why the oracle differs; null where nothing is known of it. */
export function explanationOf(probe: Probe, ruleId: number, side: Explanation['side']): string | null {
  return EXPLANATIONS.find((row) => row.side === side && row.explains(probe, ruleId))?.reason ?? null;
}

function headOf(bytes: Buffer): string {
  return bytes.toString('latin1', 0, bytes.indexOf('\r\n\r\n') + 2);
}

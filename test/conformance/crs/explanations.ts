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

/** Rules with `^` or `$`, seen to differ where a value has more than one line. */
const LINE_RULES: ReadonlySet<number> = new Set([932350, 942200, 942360, 942361, 942362, 942440]);

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
  {
    reason: '^ and $ hold at the ends of lines, too (PCRE_MULTILINE)',
    side: 'missed',
    explains: (probe, ruleId) => LINE_RULES.has(ruleId) && hasLineEnd(probe),
  },
  {
    // Under `!@rx` it makes rules hold less.
    reason: '^ and $ hold at the ends of lines, too (PCRE_MULTILINE)',
    side: 'surplus',
    explains: (probe, ruleId) => LINE_RULES.has(ruleId) && hasLineEnd(probe),
  },
  {
    reason: 'values of multipart fields lose their line ends',
    side: 'surplus',
    explains: hasLinesInField,
  },
  {
    reason: 'values of multipart fields lose their line ends',
    side: 'missed',
    explains: hasLinesInField,
  },
  {
    // Written as such, as an entity or an escape, or as U+3000, of which decoders keep the lower byte.
    reason: 'a NUL that decoding brings ends a value (jsDecode, cssDecode)',
    side: 'surplus',
    explains: ({ bytes }) =>
      /%00|(?:#|%23)0+(?:;|%3b)|(?:\\|%5c)(?:0|u0000)|\xe3\x80\x80|%e3%80%80/i.test(bytes.toString('latin1')),
  },
];

/** @returns  Why the oracle differs; null where nothing is known of it. */
export function explanationOf(probe: Probe, ruleId: number, side: Explanation['side']): string | null {
  return EXPLANATIONS.find((row) => row.side === side && row.explains(probe, ruleId))?.reason ?? null;
}

function headOf(bytes: Buffer): string {
  return bytes.toString('latin1', 0, bytes.indexOf('\r\n\r\n') + 2);
}

/** A line end in a value, however the place writes it. */
function hasLineEnd({ bytes }: Probe): boolean {
  const text = bytes.toString('latin1');
  const bodyAt = text.indexOf('\r\n\r\n') + 4;
  return /%0[ad]/i.test(text) || /\\[rn]|[\r\n]/.test(text.slice(bodyAt));
}

/** A part of a multipart body that is no file, and has more than one line. */
function hasLinesInField({ bytes }: Probe): boolean {
  const boundary = /\r\ncontent-type: multipart\/form-data; boundary=(\S+)/i.exec(headOf(bytes))?.[1];
  if (boundary === undefined) return false;
  const parts = bytes.toString('latin1').split(`--${boundary}`).slice(1, -1);
  return parts.some((part) => {
    const headEnd = part.indexOf('\r\n\r\n');
    return !part.slice(0, headEnd).includes('filename=') && /[\r\n]/.test(part.slice(headEnd + 4, -2));
  });
}

import { readFileSync } from 'node:fs';
import type { Case } from './cases.ts';

/** Files of a process beside its idle connections. */
const OTHERS = 1_500;

/**
 * Fewer idle connections where a process may not have so many files open: Node raises the soft limit to the hard one by
 * itself, and processes that it starts inherit that.
 */
export function withinLimits(one: Case, warn: (words: string) => void, filesMax = openFilesMax()): Case {
  if (one.idle === 0 || one.idle + OTHERS <= filesMax) return one;
  const idle = Math.max(1, filesMax - OTHERS);
  warn(`${one.name}: ${idle} idle connections, not ${one.idle}: only ${filesMax} files may be open (ulimit -Hn).`);
  return { ...one, idle };
}

function openFilesMax(): number {
  return parseOpenFilesMax(readFileSync('/proc/self/limits', 'latin1'));
}

/** @param text  /proc/PID/limits. @returns  The hard limit. */
export function parseOpenFilesMax(text: string): number {
  const [, hard] = /^Max open files +(?:\d+|unlimited) +(\d+|unlimited)/m.exec(text) ?? [];
  if (hard === undefined) throw new Error('/proc/PID/limits does not tell of open files');
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { allTimes, membersOf } from '../cpu.ts';

let pageBytes = 0;

/**
 * Resident memory of a process and everything below it, in bytes. Pages that two of its processes share count twice.
 *
 * @throws Error when the process is gone.
 */
export function treeRssBytes(root: number): number {
  if (pageBytes === 0) pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
  const members = membersOf(allTimes(), root);
  if (members.length === 0) throw new Error(`process ${root} is gone`);
  return members.reduce((sum, { pid }) => sum + pagesOf(pid), 0) * pageBytes;
}

/** @param text  /proc/PID/statm: `size resident shared ...` in pages (proc(5)). */
export function parseResidentPages(text: string): number {
  const pages = Number(text.split(' ', 2)[1] ?? Number.NaN);
  if (!Number.isInteger(pages)) throw new Error(`not a line of /proc/PID/statm: ${text}`);
  return pages;
}

function pagesOf(pid: number): number {
  try {
    return parseResidentPages(readFileSync(`/proc/${pid}/statm`, 'latin1'));
  } catch (error) {
    // Ended between the listing and now: it has none any more.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return 0;
    throw error;
  }
}

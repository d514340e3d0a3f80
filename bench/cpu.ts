import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The fields of /proc/PID/stat used here (proc(5)). */
export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** utime + stime of all its threads, ended ones included, and cutime + cstime of its reaped children. Clock ticks. */
  readonly ticks: number;
}

let ticksPerSecond = 0;

/** USER_HZ: 100 wherever Linux runs, but asked for all the same. */
export function clockTicksPerSecond(): number {
  if (ticksPerSecond === 0) ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticksPerSecond;
}

/**
 * CPU time of a process and everything below it, in microseconds. Differences are good to a clock tick, 10 ms on Linux,
 * per process.
 *
 * @throws Error when the process is gone: its time cannot be known any more.
 */
export function treeCpuUs(root: number): number {
  const ticks = treeTicks(allTimes(), root);
  if (ticks === null) throw new Error(`process ${root} is gone`);
  return (ticks * 1e6) / clockTicksPerSecond();
}

/** Every process there is. */
export function allTimes(): readonly ProcessTimes[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readTimes(Number(name)) ?? []);
}

/** @returns  Ticks of `root` and its descendants; null when `root` is not among the processes. */
export function treeTicks(processes: readonly ProcessTimes[], root: number): number | null {
  const members = membersOf(processes, root);
  return members.length === 0 ? null : members.reduce((sum, { ticks }) => sum + ticks, 0);
}

/** `root` and its descendants; none when `root` is not among the processes. */
export function membersOf(processes: readonly ProcessTimes[], root: number): readonly ProcessTimes[] {
  const members = processes.filter(({ pid }) => pid === root);
  for (let place = 0; place < members.length; place += 1) {
    members.push(...processes.filter(({ parent }) => parent === members[place]?.pid));
  }
  return members;
}

/** @param line  Text of /proc/PID/stat. The command's name is in parentheses and may itself hold `) ` and spaces. */
export function parseTimes(line: string): ProcessTimes {
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  // Fields 4 and 14 to 17 of proc(5), which counts from 1; field 3 is the first one here.
  const [, parent = Number.NaN] = fields;
  const times = fields.slice(11, 15);
  const ticks = times.length === 4 ? times.reduce((sum, time) => sum + time, 0) : Number.NaN;
  const pid = Number.parseInt(line, 10);
  if (![pid, parent, ticks].every(Number.isInteger)) throw new Error(`not a line of /proc/PID/stat: ${line}`);
  return { pid, parent, ticks };
}

function readTimes(pid: number): ProcessTimes | null {
  try {
    return parseTimes(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    // Ended between the listing and now.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null;
    throw error;
  }
}

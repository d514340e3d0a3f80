import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { clockTicksPerSecond, treeCpuUs } from './cpu.ts';

/** Cores' worth of foreign work in a round from which on its ratio is doubtful. */
export const DISTURBED_CORES = 0.1;

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.version,
  };
}

/** Load averages over 1, 5 and 15 minutes. */
export function loadAverages(): readonly number[] {
  return loadavg().map((value) => Math.round(value * 100) / 100);
}

/** What the machine's cores did since boot, in clock ticks summed over cores. */
export interface MachineTicks {
  /** In user space and in system calls. */
  readonly busy: number;
  /** Wanted by this machine, and given by the host to another one. */
  readonly stolen: number;
}

/** @param text  /proc/stat: `cpu  user nice system idle iowait irq softirq steal guest guest_nice` (proc(5)). */
export function parseMachineTicks(text: string): MachineTicks {
  const fields = text.slice(0, text.indexOf('\n')).split(/ +/);
  const [user, nice, system, , , , , stolen] = fields.slice(1).map(Number);
  if (fields[0] !== 'cpu' || user === undefined || nice === undefined || system === undefined || stolen === undefined) {
    throw new Error('/proc/stat does not begin with the times of all cores');
  }
  return { busy: user + nice + system, stolen };
}

export interface Disturbance {
  /** Cores' worth of CPU time that processes outside the benchmark had. */
  readonly othersCores: number;
  /** Cores' worth of CPU time that the host gave to others. */
  readonly stolenCores: number;
}

/** The machine and our part of it at one moment. */
export interface Look extends MachineTicks {
  readonly atMs: number;
  /** CPU time of this process and everything below it, microseconds. */
  readonly oursUs: number;
}

/** Watches what else the machine does. @returns  Ends the watch. */
export function watchDisturbance(): () => Disturbance {
  const before = look();
  return () => disturbanceBetween(before, look(), clockTicksPerSecond());
}

export function disturbanceBetween(before: Look, now: Look, ticksPerSecond: number): Disturbance {
  const seconds = (now.atMs - before.atMs) / 1_000;
  const cores = (ticks: number) => ticks / ticksPerSecond / seconds;
  const ours = (now.oursUs - before.oursUs) / 1e6 / seconds;
  // Clocks of 10 ms disagree a little: less than nothing is nothing.
  return {
    othersCores: Math.max(0, cores(now.busy - before.busy) - ours),
    stolenCores: cores(now.stolen - before.stolen),
  };
}

function look(): Look {
  const ticks = parseMachineTicks(readFileSync('/proc/stat', 'latin1'));
  return { ...ticks, oursUs: treeCpuUs(process.pid), atMs: performance.now() };
}

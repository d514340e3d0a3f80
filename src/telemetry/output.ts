import * as fs from 'node:fs';
import { isatty } from 'node:tty';
import { DescriptorOutput } from './descriptor-output.ts';
import { SocketOutput } from './socket-output.ts';

/** Where bytes leave the process without ever holding the event loop. Threads: main only. */
export interface ByteOutput {
  /** True once nobody reads any more: nothing is written from then on. */
  readonly broken: boolean;
  /**
   * Writes all of `bytes`, however many calls that takes. Not to be called again before `done`.
   *
   * @param done  Told whether all was written. After `stop` it is not called.
   */
  write(bytes: Buffer, done: (whole: boolean) => void): void;
  /** Gives up, also a write that waits for a reader; releases what was opened. The descriptor given stays open. */
  stop(): void;
}

/**
 * Chooses how to write to a descriptor. The plain way would park a thread of libuv's pool in write(2) for as long as
 * nobody reads, and process.exit() waits for that thread for ever. So:
 *
 * - a pipe or a terminal is opened a second time, non-blocking: setting O_NONBLOCK on the inherited description would
 *   change it for every process that shares it;
 * - a socket (systemd's journal, a parent on Node.js) cannot be opened again and is handed to the event loop, as
 *   process.stdout would do; so is a pipe where there is no /proc;
 * - a file never blocks for long, and opened again it would be overwritten from its start: written to as it is.
 */
export function openOutput(fd: number): ByteOutput {
  const kind = kindOf(fd);
  if (kind === 'pipe' || kind === 'terminal') {
    const again = openedAgain(fd);
    if (again !== null) return new DescriptorOutput(again, true);
  }
  return (kind === 'pipe' || kind === 'socket' ? asSocket(fd) : null) ?? new DescriptorOutput(fd, false);
}

function asSocket(fd: number): ByteOutput | null {
  try {
    return new SocketOutput(fd);
  } catch {
    // A datagram socket: the event loop takes streams only, and a datagram is never half written.
    return null;
  }
}

function kindOf(fd: number): 'pipe' | 'socket' | 'terminal' | 'file' {
  if (isatty(fd)) return 'terminal';
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isSocket()) return 'socket';
    return stat.isFIFO() ? 'pipe' : 'file';
  } catch {
    // Closed by whoever started us: the first write says so.
    return 'file';
  }
}

function openedAgain(fd: number): number | null {
  if (process.platform !== 'linux') return null;
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY);
  } catch {
    // No /proc, a terminal of another user, a pipe without a reader: the descriptor as it is will do.
    return null;
  }
}

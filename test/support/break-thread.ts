/**
 * For `--import` into a gateway under test. Worker threads look for files in the folder SALLYPORT_TEST_BREAK names, and
 * the first to delete one does what it says: so a test breaks exactly one thread, at a time of its choice.
 *
 *     throw     an error nobody catches, from a timer
 *     exit      process.exit() in the thread
 *     stall     blocks its event loop for 200 ms, over and over for 4 s
 *     connect   the next connection to an upstream throws inside the request's handler
 *
 * Nothing happens without the variable, and nothing in the main thread.
 */
import { unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const POLL_MS = 20;
const STALL_MS = 200;
const STALLS = 20;
const folder = process.env.SALLYPORT_TEST_BREAK;

if (folder !== undefined && !isMainThread) {
  // The prototype is typed by overloads; all of them end in one implementation, which takes what it was given.
  const prototype = Socket.prototype as unknown as { connect: (...args: unknown[]) => unknown };
  const connect = prototype.connect;
  prototype.connect = function (this: unknown, ...args: unknown[]) {
    if (takes(folder, 'connect')) throw new Error('broken on purpose: connect');
    return connect.apply(this, args);
  };
  let stalls = 0;
  setInterval(() => {
    if (takes(folder, 'stall')) stalls = STALLS;
    if (stalls > 0) {
      stalls -= 1;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS);
    }
    if (takes(folder, 'throw')) throw new Error('broken on purpose: thread');
    if (takes(folder, 'exit')) process.exit(7);
  }, POLL_MS).unref();
}

function takes(from: string, name: string): boolean {
  try {
    // Not rmSync: two threads that find the file at once would both succeed.
    unlinkSync(join(from, name));
    return true;
  } catch {
    // Not asked for, or another thread was faster.
    return false;
  }
}

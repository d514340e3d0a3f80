// Loaded with `--import` into a Sallyport that is measured for nothing else: into its main thread and, since threads
// take over the options of their process, into each worker. SIGUSR2 begins, and ends, a measurement.
import { renameSync, writeFileSync } from 'node:fs';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { addUp, type ThreadHeap, ThreadHeapWatch } from './heap-watch.ts';
import { HEAP_FILE } from './heap-wire.ts';

const CHANNEL = 'sallyport-bench-heap';
/** Threads answer within a turn of their event loops. */
const GATHER_MS = 500;

const channel = new BroadcastChannel(CHANNEL) as BroadcastChannel & { unref(): void };
channel.unref();

if (isMainThread) watchAll();
else {
  let watch: ThreadHeapWatch | null = null;
  channel.onmessage = () => {
    if (watch === null) watch = new ThreadHeapWatch();
    else {
      channel.postMessage(watch.end());
      watch = null;
    }
  };
}

/** The main thread counts itself, and writes what all threads say. */
function watchAll(): void {
  let own: ThreadHeapWatch | null = null;
  let found: ThreadHeap[] = [];
  channel.onmessage = ({ data }) => found.push(data as ThreadHeap);
  process.on('SIGUSR2', () => {
    channel.postMessage('toggle');
    if (own === null) {
      own = new ThreadHeapWatch();
      found = [];
      return;
    }
    found.push(own.end());
    own = null;
    setTimeout(() => {
      // Whoever waits for the file must find it whole.
      writeFileSync(`${HEAP_FILE}.new`, JSON.stringify(addUp(found)));
      renameSync(`${HEAP_FILE}.new`, HEAP_FILE);
    }, GATHER_MS);
  });
}

import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Bench, Row, Way } from './bench.ts';
import { lookAt } from './threads-work.ts';

/**
 * An operation takes a body to another thread, which looks at its ends, and brings a number back. The proof is the
 * bytes of all bodies. `moved` bodies are given away, the others copied. One thread, which Piscina wakes by Atomics
 * (`sync`: it sleeps between tasks; `async`: its event loop goes on) or by messages alone; `port` is a MessagePort to a
 * task that never ends, which is how ingress threads reach inspect threads.
 */
export const bench: Bench = {
  what: 'a round trip to another thread by Piscina, in each of its modes, and by a port, against doing it at once',
  async *rows() {
    const entry = new URL('./threads-worker.js', import.meta.url);
    const pools = (['sync', 'async', 'disabled'] as const).map((atomics) => ({
      atomics,
      pool: new Piscina({ filename: entry.href, minThreads: 1, maxThreads: 1, atomics }),
    }));
    const { port1: port, port2 } = new MessageChannel();
    const worker = new Worker(entry, { workerData: { port: port2 }, transferList: [port2] });
    await once(worker, 'online');
    try {
      for (const [size, bytes] of SIZES) {
        for (const atOnce of [1, 16]) {
          yield row(`${size}, ${atOnce === 1 ? 'one at a time' : `${atOnce} at once`}`, bytes, atOnce, [
            { name: 'inline', trip: (body) => lookAt(body) },
            ...pools.flatMap(({ atomics, pool }): Trip[] => [
              { name: `Piscina, ${atomics}`, trip: (body) => pool.run(body) },
              {
                name: `Piscina, ${atomics}, moved`,
                trip: (body) => pool.run(body, { transferList: [body.buffer as ArrayBuffer] }),
              },
            ]),
            { name: 'port', trip: (body) => byPort(port, body, []) },
            { name: 'port, moved', trip: (body) => byPort(port, body, [body.buffer as ArrayBuffer]) },
          ]);
        }
      }
    } finally {
      for (const { pool } of pools) await pool.destroy();
      await worker.terminate();
    }
  },
};

interface Trip {
  readonly name: string;
  readonly trip: (body: Uint8Array) => number | Promise<number>;
}

const SIZES = [
  ['100 bytes', 100],
  ['10 kB', 10_000],
  ['128 kB', 131_072],
] as const;
const TRIPS = 32;

function row(name: string, bytes: number, atOnce: number, trips: readonly Trip[]): Row {
  return {
    name,
    operations: TRIPS,
    proof: TRIPS * bytes,
    ways: trips.map((trip) => wayOf(trip, bytes, atOnce)),
  };
}

function wayOf({ name, trip }: Trip, bytes: number, atOnce: number): Way {
  let bodies: readonly Uint8Array[] = [];
  const begin = () => {
    bodies = Array.from({ length: TRIPS }, () => {
      // Memory of its own, which can be given away.
      const body = new Uint8Array(new ArrayBuffer(bytes));
      body[0] = 0x7b;
      body[bytes - 1] = 0x7d;
      return body;
    });
  };
  const run = async () => {
    let sum = 0;
    for (let n = 0; n < TRIPS; n += atOnce) {
      const answers = bodies.slice(n, n + atOnce).map(trip);
      for (const bytes of await Promise.all(answers)) sum += bytes;
    }
    return sum;
  };
  const inline = () => bodies.reduce((sum, body) => sum + lookAt(body), 0);
  return { name, begin, run: name === 'inline' ? inline : run };
}

const waiting = new WeakMap<MessagePort, ((bytes: number) => void)[]>();

/** Answers come in the order of the questions. */
function byPort(port: MessagePort, body: Uint8Array, moved: readonly ArrayBuffer[]): Promise<number> {
  let queue = waiting.get(port);
  if (queue === undefined) {
    const first: ((bytes: number) => void)[] = [];
    queue = first;
    waiting.set(port, queue);
    port.on('message', (bytes: number) => first.shift()?.(bytes));
  }
  const answers = queue;
  return new Promise((resolve) => {
    answers.push(resolve);
    port.postMessage(body, moved);
  });
}

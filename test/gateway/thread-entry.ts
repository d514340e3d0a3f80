import { setTimeout as delay } from 'node:timers/promises';
import type { IngressTask, ToIngress } from '../../src/http/ingress-wire.ts';

/** What a test wants of a thread; travels in place of the configuration. */
export interface Plan {
  readonly onStart?: 'listen' | 'fail' | 'throw' | 'exit' | 'late';
  readonly onReload?: 'take' | 'refuse' | 'silence' | 'throw' | 'exit';
  readonly onDrain?: 'end' | 'stay';
}

/** Words of one thread on the board, which is the metrics table: the test reads what threads did. */
export const STARTS = 0;
export const GENERATION = 1;
export const ACCEPTING = 2;
export const CERTIFICATES = 3;
export const DRAINS = 4;
export const BOARD_WORDS = 8;

/** How long a thread that is `late` takes to listen. */
export const LATE_MS = 150;

/**
 * An ingress thread as `Threads` sees it, without listeners: says what it is told to, and dies on demand. Plans are by
 * thread number: one generation can break one thread.
 */
export default async function serve(task: IngressTask): Promise<void> {
  const { control, threadIndex } = task;
  const board = new Int32Array(task.metricsTable, threadIndex * BOARD_WORDS * 4, BOARD_WORDS);
  const planOf = ({ config }: IngressTask['generation']): Plan => (config as unknown as Plan[])[threadIndex] ?? {};
  let plan = planOf(task.generation);
  Atomics.add(board, STARTS, 1);
  Atomics.store(board, GENERATION, task.generation.number);
  Atomics.store(board, ACCEPTING, Number(task.accepting));
  Atomics.store(board, CERTIFICATES, task.tls?.generation ?? -1);
  switch (plan.onStart ?? 'listen') {
    case 'fail':
      control.postMessage({ kind: 'failed', code: 'SP_LISTEN', message: 'the port is taken' });
      control.close();
      return;
    case 'throw':
      throw new Error('broken on purpose: start');
    case 'exit':
      process.exit(7);
      break;
    case 'late':
      await delay(LATE_MS);
  }
  await new Promise<void>((resolve) => {
    control.on('message', (message: ToIngress) => {
      if (message.kind === 'accept') Atomics.store(board, ACCEPTING, Number(message.accepting));
      if (message.kind === 'tls') {
        Atomics.store(board, CERTIFICATES, message.material.generation);
        control.postMessage({ kind: 'tls-applied', number: message.material.generation, error: null });
      }
      if (message.kind === 'drain') {
        Atomics.add(board, DRAINS, 1);
        if (plan.onDrain !== 'stay') resolve();
      }
      if (message.kind !== 'reload') return;
      plan = planOf(message.generation);
      const { number } = message.generation;
      switch (plan.onReload ?? 'take') {
        case 'take':
          Atomics.store(board, GENERATION, number);
          control.postMessage({ kind: 'reloaded', number, error: null });
          return;
        case 'refuse':
          control.postMessage({ kind: 'reloaded', number, error: `thread ${threadIndex} cannot` });
          return;
        case 'throw':
          setImmediate(() => {
            throw new Error('broken on purpose: reload');
          });
          return;
        case 'exit':
          process.exit(7);
      }
    });
    control.postMessage({ kind: 'listening' });
  });
  control.close();
}

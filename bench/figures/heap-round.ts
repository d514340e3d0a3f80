import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Case } from '../cases.ts';
import { treeCpuUs } from '../cpu.ts';
import type { Field } from '../field.ts';
import { sallyport } from '../peers/sallyport.ts';
import { loadJob, type RoundsOptions, SETTLE_MS, WARMING } from '../rounds.ts';
import { ServerError } from '../servers.ts';
import { HEAP_FILE, type HeapUse } from './heap-wire.ts';

/** What Sallyport does with V8's heap, over all its threads. */
export interface HeapFigure {
  readonly requests: number;
  readonly allocatedBytesPerRequest: number;
  /** Time in which threads stood still for their garbage collectors, over the CPU time of the process: 0 to 1. */
  readonly gcShare: number;
  readonly collections: number;
  readonly threads: number;
}

const PROBE = new URL('./heap-probe.js', import.meta.url).href;
/** Threads hear the signal within a turn of their loops. */
const HEARD_MS = 100;
const FILE_MS = 10_000;

/**
 * One more round with a Sallyport of its own that counts what it allocates (heap-probe.ts): no other figure is
 * disturbed by the counting.
 *
 * @throws ServerError when it does not start, or does not tell.
 */
export async function measureHeap(one: Case, field: Field, options: RoundsOptions): Promise<HeapFigure> {
  const { plan, load, credentials } = options;
  const { server } = await field.launch(sallyport, { name: 'sallyport-heap' }, (launch) => ({
    ...launch,
    args: ['--import', PROBE, ...launch.args],
  }));
  try {
    await load.run(loadJob(one, server.port, plan.warmUp, WARMING, credentials));
    await wait(SETTLE_MS);
    server.signal('SIGUSR2');
    await wait(HEARD_MS);
    const cpuBefore = treeCpuUs(server.pid);
    const { answered } = await load.run(loadJob(one, server.port, plan.requests, 0, credentials));
    const cpuUs = treeCpuUs(server.pid) - cpuBefore;
    server.signal('SIGUSR2');
    const use = await readUse(join(server.folder, HEAP_FILE));
    return {
      requests: answered,
      allocatedBytesPerRequest: use.allocatedBytes / answered,
      gcShare: (use.gcMs * 1_000) / cpuUs,
      collections: use.collections,
      threads: use.threads,
    };
  } finally {
    await server.stop();
  }
}

async function readUse(path: string): Promise<HeapUse> {
  const deadline = performance.now() + FILE_MS;
  while (!existsSync(path)) {
    if (performance.now() > deadline) throw new ServerError('sallyport-heap does not tell what it allocated');
    await wait(20);
  }
  const use = JSON.parse(readFileSync(path, 'utf8')) as HeapUse;
  rmSync(path);
  return use;
}

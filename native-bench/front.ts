import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { ANSWER, type LoadRequest, requestsOf } from '../bench/requests.ts';
import type { Bench, Way } from './bench.ts';
import { inLanes } from './lanes.ts';
import { OwnClient } from './upstream-client.ts';

const REQUESTS = 400;

/**
 * An operation is a GET with the fields of a browser on kept connections; both servers read its target and all fields,
 * and answer 90 bytes. CPU time is that of the server's process, as Linux counts it for each of its threads.
 */
export const bench: Bench = {
  what: 'a request at the front: uWebSockets.js against node:http',
  async *rows() {
    const requests = requestsOf({ load: 'browse', requests: REQUESTS, seed: 0 }).map(headOf);
    const servers = await Promise.all([startServer('uws'), startServer('node')]);
    try {
      for (const lanes of [1, 32]) {
        const ways = servers.map(({ name, child, client }): Way => {
          const cpuUs = () => threadsCpuUs(child.pid ?? 0);
          const run = () => inLanes(REQUESTS, lanes, (n, done, failed) => client.ask(requests[n] ?? '', done, failed));
          return { name, cpuUs, run };
        });
        const name = `answers of 90 bytes, ${lanes} connection${lanes === 1 ? '' : 's'}`;
        yield { name, operations: REQUESTS, proof: REQUESTS * ANSWER.length, ways };
      }
    } finally {
      for (const { child, client } of servers) {
        client.close();
        child.disconnect();
      }
    }
  },
};

interface Served {
  readonly name: string;
  readonly child: ChildProcess;
  readonly client: OwnClient;
}

async function startServer(kind: 'uws' | 'node'): Promise<Served> {
  const child = fork(new URL('./front-server.js', import.meta.url), [kind]);
  const [port] = (await once(child, 'message')) as [number];
  return {
    name: kind === 'uws' ? 'uWebSockets.js' : 'node:http',
    child,
    client: new OwnClient(`http://127.0.0.1:${port}`),
  };
}

function headOf({ path, headers }: LoadRequest): string {
  const fields = Object.entries({ Host: 'shop.example', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`;
}

/** Nanoseconds that a thread ran are the first figure of its schedstat. Threads of a server do not end. */
function threadsCpuUs(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const nanoseconds = readdirSync(folder).map((thread) =>
    Number.parseInt(readFileSync(`${folder}/${thread}/schedstat`, 'latin1'), 10),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1_000;
}

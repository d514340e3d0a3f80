import { Agent, request as httpRequest } from 'node:http';
import { Pool } from 'undici';
import type { Demand } from '../bench/requests.ts';
import { ANSWER, type LoadRequest, requestsOf, TRANSFER_BYTES } from '../bench/requests.ts';
import { freePort } from '../bench/servers.ts';
import { Upstream } from '../bench/upstream.ts';
import { Workspace } from '../bench/workspace.ts';
import type { Bench, Row } from './bench.ts';
import { inLanes } from './lanes.ts';
import { OwnClient } from './upstream-client.ts';

/**
 * An operation is a GET with the fields of a browser on kept connections, to nginx (node:http where that is not
 * installed) in another process; CPU time is this process's alone. The bytes of all bodies are the proof. Ours does
 * what it does in the gateway: balancing, circuit, health, deadlines. undici's `dispatch` is its leanest way.
 */
export const bench: Bench = {
  what: 'a request to an upstream: our client against undici and node:http',
  async *rows() {
    const workspace = new Workspace();
    const upstream = await Upstream.start(await freePort(), workspace.folder('upstream'), false);
    try {
      const at = upstream.server.port;
      yield* row(at, 'answers of 90 bytes, 1 connection', 'browse', 400, 1, ANSWER.length);
      yield* row(at, 'answers of 90 bytes, 32 connections', 'browse', 400, 32, ANSWER.length);
      if (upstream.software === 'nginx')
        yield* row(at, 'answers of 1 MiB, 8 connections', 'download', 8, 8, TRANSFER_BYTES);
    } finally {
      await upstream.server.stop();
      workspace.remove();
    }
  },
};

function* row(
  port: number,
  name: string,
  load: Demand['load'],
  operations: number,
  lanes: number,
  answerBytes: number,
): Iterable<Row> {
  const requests = requestsOf({ load, requests: operations, seed: 0 }).map((one) => ({
    path: one.path,
    headers: { host: 'shop.example', ...one.headers } as Record<string, string>,
    head: headOf(one),
  }));
  type Request = (typeof requests)[number];
  const origin = `http://127.0.0.1:${port}`;
  const own = new OwnClient(origin);
  const pool = new Pool(origin, { connections: lanes, pipelining: 1 });
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  type Ask = (request: Request, done: (bytes: number) => void, failed: (error: Error) => void) => void;
  const way = (wayName: string, ask: Ask) => ({
    name: wayName,
    run: () => inLanes(operations, lanes, (n, done, failed) => ask(requests[n] as Request, done, failed)),
  });
  yield {
    name,
    operations,
    proof: operations * answerBytes,
    ways: [
      way('ours', ({ head }, done, failed) => own.ask(head, done, failed)),
      way('undici, dispatch', ({ path, headers }, done, failed) => {
        let bytes = 0;
        pool.dispatch(
          { method: 'GET', path, headers },
          {
            onConnect: () => undefined,
            onHeaders: () => true,
            onData: (piece) => {
              bytes += piece.length;
              return true;
            },
            onComplete: () => done(bytes),
            onError: failed,
          },
        );
      }),
      way('undici, request', ({ path, headers }, done, failed) => {
        pool
          .request({ method: 'GET', path, headers })
          .then(({ body }) => body.arrayBuffer())
          .then((body) => done(body.byteLength), failed);
      }),
      way('node:http', ({ path, headers }, done, failed) => {
        const asked = httpRequest({ host: '127.0.0.1', port, path, headers, agent }, (response) => {
          let bytes = 0;
          response.on('data', (piece: Buffer) => {
            bytes += piece.length;
          });
          response.on('end', () => done(bytes));
          response.on('error', failed);
        });
        asked.on('error', failed);
        asked.end();
      }),
    ],
  };
  own.close();
  agent.destroy();
  void pool.destroy();
}

function headOf({ path, headers }: LoadRequest): string {
  const fields = Object.entries({ host: 'shop.example', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`;
}

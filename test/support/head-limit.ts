/**
 * Sets a request-head limit on the main thread, then has a worker's server read split heads just below and above it.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { SallyportError } from '../../src/errors.ts';
import { loadUws, setHeadBytesMax } from '../../src/http/uws.ts';

if (isMainThread) {
  setHeadBytesMax(Number(process.argv[2]));
  const [said] = await once(new Worker(new URL(import.meta.url)), 'message');
  process.stdout.write(JSON.stringify(said));
} else {
  let late = '';
  try {
    setHeadBytesMax(1_024);
  } catch (error) {
    late = (error as SallyportError).code;
  }
  const uws = loadUws();
  const app = uws.App().any('/*', (response) => response.end('ok'));
  let port = 0;
  app.listen('127.0.0.1', 0, 0, (socket) => {
    port = socket === false ? 0 : uws.us_socket_local_port(socket);
  });
  const max = uws.splitHeadBytesMax;
  const below = await ask(port, max - 256);
  const above = await ask(port, max + 256);
  app.close();
  parentPort?.postMessage({ buildName: uws.buildName, late, max, below, above });
}

/** Sends a head of `bytes` in two parts, the second one when the first was read; resolves with what came back. */
async function ask(port: number, bytes: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1').setNoDelay();
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
    socket.end();
  });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  const start = 'GET / HTTP/1.1\r\nHost: a\r\nX: ';
  const head = `${start}${'x'.repeat(bytes - start.length - 4)}\r\n\r\n`;
  const closed = once(socket, 'close');
  socket.write(head.slice(0, -8));
  // Both ends live on this loop: some turns later the server has read the first part.
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
  if (!socket.destroyed) socket.write(head.slice(-8));
  await closed;
  return answer;
}

/**
 * New TLS connections to a port on loopback, one request each, every other one without a server name, until told to
 * stop.
 */
import tls from 'node:tls';

const port = Number(process.argv[2]);
const failures: Record<string, number> = {};
let done = 0;
let running = true;

process.once('message', () => {
  running = false;
});
process.send?.('ready');
await Promise.all(Array.from({ length: 8 }, loop));
process.send?.({ done, failures });
process.disconnect();

async function loop(): Promise<void> {
  for (let turn = 0; running; turn += 1) {
    const failure = await once(turn % 2 === 0 ? 'a.wild.test' : '');
    if (failure === '') done += 1;
    else failures[failure] = (failures[failure] ?? 0) + 1;
  }
}

/** @returns '' or what went wrong. */
function once(servername: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
    const finish = (failure: string) => {
      resolve(failure);
      socket.destroy();
    };
    socket.once('secureConnect', () => socket.write('GET / HTTP/1.1\r\nHost: a.wild.test\r\n\r\n'));
    socket.once('data', (chunk: Buffer) => finish(chunk.includes('served') ? '' : 'answer'));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    socket.once('close', () => finish('closed'));
    socket.setTimeout(5_000, () => finish('silent'));
  });
}

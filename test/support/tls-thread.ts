/** An ingress thread in small: an HTTPS listener that takes new certificates by message. */
import { parentPort, workerData } from 'node:worker_threads';
import { TlsListener } from '../../src/http/tls-listener.ts';
import type { TlsMaterial } from '../../src/tls/snapshot.ts';

const { material, port } = workerData as { material: TlsMaterial; port: number };
const listener = new TlsListener({
  host: '127.0.0.1',
  port,
  configure: (app) => {
    app.any('/*', (response) => response.end('served'));
  },
});
listener.apply(material);
parentPort?.postMessage('ready');
parentPort?.on('message', (message: TlsMaterial | 'fail' | 'stop') => {
  if (message === 'fail') throw new Error('failed on purpose');
  if (message === 'stop') process.exit(0);
  listener.apply(message);
  parentPort?.postMessage('applied');
});

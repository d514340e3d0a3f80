// A worker thread of the threads module: a Piscina task, or an echo behind a port of its own.
import { isMainThread, type MessagePort, workerData } from 'node:worker_threads';
import { lookAt } from './threads-work.ts';

const port = (workerData as { readonly port?: MessagePort } | null)?.port;
if (!isMainThread && port !== undefined) port.on('message', (body: Uint8Array) => port.postMessage(lookAt(body)));

export default lookAt;

import { createServer } from 'node:net';
import { type MessagePort, workerData } from 'node:worker_threads';

/** Listens with the shortest queue there is and then blocks its thread: nobody is accepted until the word is set. */
const { port, released } = workerData as { port: MessagePort; released: Int32Array };
const server = createServer((socket) => socket.destroy());
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  port.postMessage(server.address());
  Atomics.wait(released, 0, 0);
  server.close();
  port.close();
});

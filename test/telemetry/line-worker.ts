import { type MessagePort, workerData } from 'node:worker_threads';
import { AccessLog } from '../../src/telemetry/access-log.ts';
import { LineSender } from '../../src/telemetry/line-channel.ts';

/** Writes numbered lines; the last ones only when the thread ends, as a thread that dies does. */
const { port, thread, lines } = workerData as { port: MessagePort; thread: number; lines: number };
const sender = new LineSender(port);
const log = new AccessLog({ thread, query: false, redact: [] }, (chunk) => sender.send(chunk));
process.once('exit', () => log.flush());
for (let i = 0; i < lines; i++) log.append(`{"thread":${thread},"i":${i}}`);

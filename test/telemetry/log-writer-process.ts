import { performance } from 'node:perf_hooks';
import { LogWriter } from '../../src/telemetry/log-writer.ts';

/**
 * A process that logs more than its standard output may take, and tells on standard error how it fared.
 * Arguments: lines, most bytes held, deadline of close in ms, format.
 */
const [lines = 0, bytesMax = 0, deadlineMs = 0] = process.argv.slice(2, 5).map(Number);
const format = process.argv[5] === 'pretty' ? 'pretty' : 'json';
const writer = new LogWriter({ format, bytesMax });
let longestMs = 0;
let done = 0;
const batch = 100;
for (let i = 0; i < lines; i += batch) {
  const text = Array.from({ length: batch }, (_, k) => `{"level":30,"time":0,"msg":"line","i":${i + k}}\n`).join('');
  const from = performance.now();
  writer.write(text, () => done++);
  await new Promise(setImmediate);
  longestMs = Math.max(longestMs, performance.now() - from);
}
if (process.env.LATER !== undefined) {
  // Room again: the parent reads from now on.
  process.stderr.write('read\n');
  while (done < lines / batch) await new Promise((resolve) => setTimeout(resolve, 5));
  writer.write('{"level":30,"time":0,"msg":"after"}\n');
}
await writer.close(deadlineMs);
process.stderr.write(`${JSON.stringify({ longestMs, lost: writer.lost, done, broken: writer.broken })}\n`);
process.exit(0);

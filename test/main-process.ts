import { startGateway } from '../src/main.ts';

/** What the test sends, and what it is told. */
export type Order = 'reload' | 'stop';
export type Word =
  | { readonly kind: 'started' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'reloaded'; readonly ok: boolean; readonly words: string }
  | { readonly kind: 'stopped'; readonly exitCode: number };

/**
 * The gateway in a process of its own, started and stopped by calls. It never calls `process.exit`: whatever is left
 * running after a failed start or a stop keeps the process, and the test sees that.
 */
const say = (word: Word): void => void process.send?.(word);

try {
  let stops = 0;
  const gateway = await startGateway({ configFile: process.argv[2] ?? '', env: {} });
  process.on('message', async (order: Order) => {
    if (order === 'reload') {
      const result = await gateway.reload();
      say({ kind: 'reloaded', ok: result.ok, words: result.ok ? '' : result.problems.join('\n') });
      return;
    }
    stops += 1;
    const exitCode = await gateway.stop();
    say({ kind: 'stopped', exitCode });
    stops -= 1;
    if (stops === 0) process.disconnect();
  });
  say({ kind: 'started' });
} catch (error) {
  const { code, message } = error as { code: string; message: string };
  say({ kind: 'failed', code, message });
  process.disconnect();
}

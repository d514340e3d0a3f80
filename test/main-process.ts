import { writeFileSync } from 'node:fs';
import { startGateway } from '../src/main.ts';

/** What the test sends, and what it is told. */
export type Order =
  | 'reload'
  | 'stop'
  /** Reloads, writes this configuration once the file was read, and reloads again at once. */
  | { readonly overtakeWith: string };
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
  const configFile = process.argv[2] ?? '';
  const gateway = await startGateway({ configFile, env: {} });
  const reload = async (): Promise<void> => {
    const result = await gateway.reload();
    say({ kind: 'reloaded', ok: result.ok, words: result.ok ? '' : result.problems.join('\n') });
  };
  process.on('message', async (order: Order) => {
    if (order === 'reload') return reload();
    if (order !== 'stop') {
      const first = reload();
      writeFileSync(configFile, order.overtakeWith);
      await Promise.all([first, reload(), reload()]);
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

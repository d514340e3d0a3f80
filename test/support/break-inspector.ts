/**
 * For `--import` into a gateway under test. Bodies say what becomes of the inspect thread that gets them, before it
 * looks at them:
 *
 *     {{exit}}        process.exit() in the thread
 *     {{throw}}       an error nobody catches
 *     {{stall:1500}}  the thread does nothing for so many milliseconds
 *
 * Nothing happens in other threads: jobs reach inspect threads alone.
 */
import { isMainThread, MessagePort } from 'node:worker_threads';

type Listener = (message: unknown) => void;

if (!isMainThread) {
  // Typed by overloads that all end in one implementation, which MessagePort inherits.
  const prototype = MessagePort.prototype as unknown as { on: (name: string, listener: Listener) => unknown };
  const { on } = prototype;
  prototype.on = function (this: unknown, name: string, listener: Listener) {
    if (name !== 'message') return on.call(this, name, listener);
    return on.call(this, name, (message) => {
      const body = (message as { readonly body?: unknown } | null)?.body;
      if (body instanceof ArrayBuffer) obey(Buffer.from(body).toString('latin1'));
      listener(message);
    });
  };
}

function obey(body: string): void {
  const [, word, ms] = /\{\{(exit|throw|stall)(?::(\d+))?\}\}/.exec(body) ?? [];
  if (word === 'exit') process.exit(7);
  if (word === 'throw') throw new Error('broken on purpose: inspect thread');
  if (word === 'stall') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
}

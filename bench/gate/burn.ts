// Preloaded into a Sallyport of the gate's self-test alone, main thread and workers: `--import burn.js?us=3.5` burns
// that much CPU time for every write to a socket, of which a forwarded GET has one.
import { Socket } from 'node:net';

const burnMs = Number(new URL(import.meta.url).searchParams.get('us')) / 1_000;
if (!(burnMs > 0)) throw new Error('burn.js needs ?us=MICROSECONDS');
const write = Socket.prototype.write;

Socket.prototype.write = function burning(this: Socket, ...args: unknown[]): boolean {
  const until = performance.now() + burnMs;
  while (performance.now() < until);
  return Reflect.apply(write, this, args) as boolean;
};

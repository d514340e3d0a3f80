import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { until } from '../support/wait.ts';

/** False where a Redis can be started; else why not. */
export const NO_REDIS: string | false =
  spawnSync('redis-server', ['--version']).status === 0 ? false : 'there is no redis-server on the PATH';

/** A Redis of the test's own, on a free port of loopback, that keeps nothing on disk. */
export class RedisProcess {
  readonly port: number;
  #child: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<RedisProcess> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const redis = new RedisProcess(port);
    await redis.up();
    return redis;
  }

  async up(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.#child = spawn('redis-server', args, { stdio: 'ignore' });
    await until('redis-server to answer', () => this.call(['PING']).catch(() => null));
  }

  async down(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** One command on a connection of its own. @returns The answer: texts, numbers, lists of them, null. */
  async call(words: readonly (string | number)[]): Promise<unknown> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`);
      socket.write(`*${words.length}\r\n${parts.join('')}`);
      return await answerOf(socket);
    } finally {
      socket.destroy();
    }
  }

  /** Runs a script as the gateway's client does. */
  run = (text: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> =>
    this.call(['EVAL', text, keys.length, ...keys, ...args]);
}

async function answerOf(socket: Socket): Promise<unknown> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    const read = readAnswer(bytes, 0);
    if (read === null) continue;
    if (read.value instanceof Error) throw read.value;
    return read.value;
  }
  throw new Error('the connection ended before the answer');
}

/** RESP2. @returns Null when there is not enough of it yet. */
function readAnswer(bytes: Buffer, at: number): { value: unknown; next: number } | null {
  const end = bytes.indexOf('\r\n', at);
  if (end === -1) return null;
  const line = bytes.toString('utf8', at + 1, end);
  const kind = String.fromCharCode(bytes[at] as number);
  let next = end + 2;
  if (kind === '+') return { value: line, next };
  if (kind === ':') return { value: Number(line), next };
  if (kind === '-') return { value: new Error(line), next };
  const count = Number(line);
  if (count === -1) return { value: null, next };
  if (kind === '$') {
    if (bytes.length < next + count + 2) return null;
    return { value: bytes.toString('utf8', next, next + count), next: next + count + 2 };
  }
  const items: unknown[] = [];
  for (let i = 0; i < count; i += 1) {
    const item = readAnswer(bytes, next);
    if (item === null) return null;
    items.push(item.value);
    next = item.next;
  }
  return { value: items, next };
}

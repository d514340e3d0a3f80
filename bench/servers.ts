import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** How to start a server: pure data, so that configuration texts can be tested without one. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the environment; undefined takes a name out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Name in the server's folder -> text. */
  readonly files: Readonly<Record<string, string>>;
}

const READY_MS = 20_000;
const STOP_MS = 10_000;
/** Debian keeps servers in sbin, which a plain user's PATH leaves out. */
const PATH = [process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter);

/** A server that does not start, or ends: its own words are in the message. */
export class ServerError extends Error {}

/** A child that listens on a loopback port. Ended by its process id alone, at the latest when this process exits. */
export class Server {
  readonly name: string;
  readonly port: number;
  /** Of its own: configuration, logs and standard output are there. */
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #outputs: readonly string[];
  readonly #kill = () => void this.#child.kill('SIGKILL');

  private constructor(name: string, port: number, folder: string, launch: Launch) {
    this.name = name;
    this.port = port;
    this.folder = folder;
    for (const [file, text] of Object.entries(launch.files)) writeFileSync(join(folder, file), text);
    this.#outputs = [join(folder, 'stderr.log'), join(folder, 'stdout.log')];
    const [err, out] = this.#outputs.map((path) => openSync(path, 'a'));
    this.#child = spawn(launch.command, launch.args, {
      cwd: folder,
      env: { ...process.env, PATH, ...launch.env },
      stdio: ['ignore', out ?? 'ignore', err ?? 'ignore'],
    });
    for (const fd of [out, err]) if (fd !== undefined) closeSync(fd);
    process.once('exit', this.#kill);
  }

  /**
   * @param folder  Of its own: configuration, logs and standard output go there.
   * @throws        ServerError with what it wrote, when it does not accept connections within 20 s.
   */
  static async start(name: string, port: number, folder: string, launch: Launch): Promise<Server> {
    const server = new Server(name, port, folder, launch);
    let failure: Error | null = null;
    server.#child.once('error', (error) => {
      failure = error;
    });
    const deadline = performance.now() + READY_MS;
    while (!(await accepts(port))) {
      if (failure !== null || server.#ended || performance.now() > deadline) {
        await server.stop();
        throw new ServerError(`${name} does not serve. ${server.#words()}`, { cause: failure });
      }
      await wait(20);
    }
    return server;
  }

  /** @throws ServerError when it is not running. */
  get pid(): number {
    if (this.#child.pid === undefined || this.#ended) throw new ServerError(`${this.name} has ended. ${this.#words()}`);
    return this.#child.pid;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async stop(): Promise<void> {
    if (this.#child.pid !== undefined && !this.#ended) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      const timer = setTimeout(this.#kill, STOP_MS);
      await gone;
      clearTimeout(timer);
    }
    process.off('exit', this.#kill);
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The end of its output. */
  #words(): string {
    return this.#outputs.map((path) => readFileSync(path, 'utf8').slice(-2_000).trim()).join('\n');
  }
}

/** First line of what a command says about its version, on either output; null when it is not installed. */
export function versionOf(command: string, ...args: string[]): string | null {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH } });
  if (error !== undefined) return null;
  return `${stdout}${stderr}`.trim().split('\n', 1)[0] ?? '';
}

/**
 * A loopback port that nobody has. Below the kernel's ephemeral range, so that no outgoing connection takes it between
 * this look and the server's listen.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    const probe = createServer();
    const free = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve((probe.address() as AddressInfo).port === port));
    });
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

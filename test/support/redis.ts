import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { RedisConfig } from '../../src/config/schema.ts';
import { DIST, freePort } from './gateway.ts';
import { until } from './wait.ts';

/** Why tests with a real Redis are skipped here; false for no reason. */
export const WITHOUT_REDIS: string | false =
  spawnSync('redis-server', ['--version']).status === 0 ? false : 'there is no redis-server on the PATH';

/** A real Redis on a free loopback port, keeping nothing on disk. It ends with the test, or with this process. */
export class TestRedis {
  readonly port: number;
  readonly #more: readonly string[];
  readonly #folder = mkdtempSync(join(tmpdir(), 'sallyport-redis-'));
  #child: ChildProcess | null = null;

  private constructor(port: number, more: readonly string[]) {
    this.port = port;
    this.#more = more;
  }

  /** @param more  Words of its command line. */
  static async start(t: TestContext, ...more: string[]): Promise<TestRedis> {
    const isClustered = more.includes('--cluster-enabled');
    const redis = new TestRedis(isClustered ? await clusterPort() : await freePort(), more);
    t.after(() => redis.end());
    await redis.start();
    return redis;
  }

  /** A sentinel that watches `master` under the name mymaster. */
  static async sentinel(t: TestContext, master: TestRedis): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), []);
    t.after(() => redis.end());
    const file = join(redis.#folder, 'sentinel.conf');
    const rows = [
      `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds mymaster 500',
      'sentinel failover-timeout mymaster 3000',
    ];
    writeFileSync(file, rows.map((row) => `${row}\n`).join(''));
    redis.#run([file, '--sentinel', '--port', String(redis.port), '--bind', '127.0.0.1', '--dir', redis.#folder]);
    await until('the sentinel to listen', () => canConnect(redis.port));
    return redis;
  }

  /** Again on the same port, empty. */
  async start(): Promise<void> {
    const plain = this.#more.includes('--tls-port') ? '0' : String(this.port);
    const fixed = ['--port', plain, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.#folder];
    this.#run([...fixed, ...this.#more.map((word) => (word === 'PORT' ? String(this.port) : word))]);
    await until('redis-server to listen', () => this.#isListening());
  }

  /** Answer of redis-cli. */
  ask(...words: string[]): string {
    const { status, stdout, stderr } = spawnSync('redis-cli', ['-p', String(this.port), ...words], { timeout: 10_000 });
    if (status !== 0) throw new Error(`redis-cli ${words.join(' ')}: ${stdout}${stderr}`);
    return String(stdout).trim();
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #isListening(): Promise<boolean> {
    const code = this.#child?.exitCode ?? null;
    if (code !== null) throw new Error(`redis-server on port ${this.port} ended with ${code}`);
    // Whoever answers has taken all its ports; TLS says nothing by itself.
    return this.#more.includes('--tls-port') ? canConnect(this.port) : answers(this.port);
  }

  #run(words: readonly string[]): void {
    const child = spawn('redis-server', words, { stdio: 'ignore' });
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.removeListener('exit', kill));
    this.#child = child;
  }
}

/** Nodes of a cluster talk to each other on a second port, 10,000 above the first; see `freePort` for the range. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port < 22_000 && (await isFree(port + 10_000))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** A cluster of three masters that share all hash slots. */
export async function startCluster(t: TestContext): Promise<readonly TestRedis[]> {
  const nodes: TestRedis[] = [];
  for (let tries = 0; nodes.length < 3; tries += 1) {
    try {
      nodes.push(await TestRedis.start(t, '--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'));
    } catch (error) {
      // Somebody took one of its two ports meanwhile.
      if (tries === 6) throw error;
    }
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const made = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { timeout: 30_000 });
  if (made.status !== 0) throw new Error(`no cluster: ${made.stdout}${made.stderr}`);
  await until('the cluster to agree', () =>
    nodes.every((node) => node.ask('CLUSTER', 'INFO').includes('cluster_state:ok')),
  );
  return nodes;
}

/** Settings of `redis` with their defaults, for one server or those of `more`. */
export function redisConfig(ports: number | readonly number[], more: Partial<RedisConfig> = {}): RedisConfig {
  return {
    mode: 'single',
    nodes: (typeof ports === 'number' ? [ports] : ports).map((port) => `127.0.0.1:${port}`),
    sentinelName: 'mymaster',
    username: '',
    password: '',
    sentinelPassword: '',
    database: 0,
    tls: { enabled: false, verify: true, serverName: '', ca: '' },
    prefix: 'test:',
    keySecret: 'a secret of some length',
    connectMs: 2_000,
    // Wide: other tests keep the machine busy.
    timeoutMs: 500,
    ...more,
  };
}

/** Words of ACL SETUSER that docs/rate-limits.md says are enough, those for a cluster included where asked. */
export function documentedRights(isCluster: boolean): string[] {
  const page = readFileSync(join(DIST, '../docs/rate-limits.md'), 'utf8');
  const [, rights = ''] = /^ACL SETUSER gateway on >PASSWORD (.*)$/m.exec(page) ?? [];
  const [, forBans = ''] = /^ACL SETUSER gateway (\+.*)$/m.exec(page) ?? [];
  const [, more = ''] = /in a cluster `([^`]*)` as well/.exec(page) ?? [];
  return [...rights.split(' '), ...forBans.split(' '), ...(isCluster ? more.split(' ') : [])];
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const settle = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('data', () => settle(true));
    socket.once('close', () => settle(false));
    socket.once('error', () => settle(false));
    socket.setTimeout(1_000, () => settle(false));
  });
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

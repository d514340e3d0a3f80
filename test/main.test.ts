import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Order, Word } from './main-process.ts';
import { TestAuthority } from './support/certificates.ts';
import { freePort } from './support/gateway.ts';
import { type RecordingUpstream, startRecordingUpstream } from './support/recording-upstream.ts';
import { until } from './support/wait.ts';

const PROCESS = fileURLToPath(new URL('./main-process.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sallyport-main-'));
let upstream: RecordingUpstream;

before(async () => {
  upstream = await startRecordingUpstream({ onRequest: (_, reply) => reply.ok('served') });
});

after(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true });
});

interface Ports {
  readonly http: number;
  readonly admin: number;
}

type Words = Readonly<Record<string, unknown>>;

function configOf({ http, admin }: Ports, more: Words = {}): Words {
  return {
    threads: 1,
    listen: { host: '127.0.0.1', http: { port: http }, https: { port: 0 } },
    admin: { port: admin },
    upstreams: { api: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
    routes: [{ name: 'all', upstream: 'api' }],
    ...more,
  };
}

class Process {
  readonly file: string;
  readonly child: ChildProcess;
  readonly #words: Word[] = [];
  #output = '';

  constructor(config: Words) {
    this.file = join(folder, `${Math.random()}.yaml`);
    this.write(config);
    this.child = fork(PROCESS, [this.file], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env.PATH },
    });
    this.child.on('message', (word: Word) => void this.#words.push(word));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  get output(): string {
    return this.#output;
  }

  write(config: Words): void {
    writeFileSync(this.file, JSON.stringify(config));
  }

  async word(): Promise<Word> {
    const word = await until('a word of the gateway', () => this.#words.shift(), 15_000, 5);
    return word;
  }

  async order(order: Order): Promise<Word> {
    this.child.send(order);
    return this.word();
  }

  async reload(config: Words): Promise<{ ok: boolean; words: string }> {
    this.write(config);
    const word = await this.order('reload');
    assert.equal(word.kind, 'reloaded');
    return word as Extract<Word, { kind: 'reloaded' }>;
  }

  /** The process ends by itself. @returns its exit code. */
  async gone(): Promise<number | null> {
    if (this.child.exitCode === null) {
      await Promise.race([once(this.child, 'exit'), new Promise((resolve) => setTimeout(resolve, 5_000).unref())]);
    }
    assert.notEqual(this.child.exitCode, null, `something keeps the process\n${this.output}`);
    return this.child.exitCode;
  }
}

async function withProcess(config: Words, run: (process: Process) => Promise<void>): Promise<void> {
  const process = new Process(config);
  try {
    await run(process);
  } finally {
    process.child.kill('SIGKILL');
  }
}

async function get(port: number, path = '/'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return `${response.status} ${await response.text()}`;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A program that is no gateway has the port: it does not share it (no SO_REUSEPORT). */
async function holding(): Promise<Server & { readonly port: number }> {
  const server = createServer((socket) => socket.destroy());
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return Object.assign(server, { port });
}

const newPorts = async (): Promise<Ports> => ({ http: await freePort(), admin: await freePort() });

describe('start', () => {
  test('on a port that another program has: SP_LISTEN, and nothing is left running', async () => {
    const holder = await holding();
    const ports = { ...(await newPorts()), http: holder.port };
    await withProcess(configOf(ports), async (gateway) => {
      const word = await gateway.word();
      assert.ok(word.kind === 'failed' && word.code === 'SP_LISTEN', JSON.stringify(word));
      assert.match(word.message, new RegExp(`listen\\.http\\.port ${holder.port} on 127\\.0\\.0\\.1 cannot be opened`));
      assert.equal(await isOpen(ports.admin), false);
      assert.equal(await gateway.gone(), 0);
      assert.doesNotMatch(gateway.output, /SP_THREAD/, 'threads were replaced although the start had failed');
    });
    holder.close();
  });

  test('on an admin port that another program has: the same', async () => {
    const holder = await holding();
    const ports = { ...(await newPorts()), admin: holder.port };
    await withProcess(configOf(ports), async (gateway) => {
      const word = await gateway.word();
      assert.ok(word.kind === 'failed' && word.code === 'SP_LISTEN', JSON.stringify(word));
      assert.equal(await gateway.gone(), 0);
      assert.equal(await isOpen(ports.http), false);
    });
    holder.close();
  });

  test('with a configuration that is refused: nothing was opened', async () => {
    const ports = await newPorts();
    await withProcess(configOf(ports, { routes: [{ name: 'all', upstream: 'nowhere' }] }), async (gateway) => {
      const word = await gateway.word();
      assert.ok(word.kind === 'failed' && word.code === 'SP_CONFIG', JSON.stringify(word));
      assert.equal(await gateway.gone(), 0);
    });
  });

  test('with a CA file that is none: refused by name, nothing is left running', async () => {
    const ca = join(folder, 'empty-ca.pem');
    writeFileSync(ca, '');
    const ports = await newPorts();
    const upstreams = { api: { targets: [{ url: 'https://127.0.0.1:1' }], tls: { ca } } };
    await withProcess(configOf(ports, { upstreams }), async (gateway) => {
      const word = await gateway.word();
      assert.ok(word.kind === 'failed' && word.code === 'SP_CONFIG', JSON.stringify(word));
      assert.match(word.message, /upstreams\.api\.tls\.ca: .*empty-ca\.pem holds no certificate/);
      assert.equal(await gateway.gone(), 0);
    });
  });
});

describe('stop', () => {
  test('ends the process by itself with 0; a second call waits for the first', async () => {
    const ports = await newPorts();
    await withProcess(configOf(ports), async (gateway) => {
      assert.equal((await gateway.word()).kind, 'started');
      assert.equal(await get(ports.http), '200 served');
      gateway.child.send('stop' satisfies Order);
      gateway.child.send('stop' satisfies Order);
      const late = await gateway.order('reload');
      assert.deepEqual(
        [late.kind, 'words' in late && late.words],
        ['reloaded', 'the gateway is draining: it takes no reload'],
      );
      assert.deepEqual(await gateway.word(), { kind: 'stopped', exitCode: 0 });
      assert.deepEqual(await gateway.word(), { kind: 'stopped', exitCode: 0 });
      assert.equal(await gateway.gone(), 0);
      assert.deepEqual([await isOpen(ports.http), await isOpen(ports.admin)], [false, false]);
    });
  });
});

describe('reload', () => {
  test('what is refused changes nothing; what is right is taken afterwards', async () => {
    const ports = await newPorts();
    const config = (more: Words = {}): Words => configOf(ports, { threads: 2, ...more });
    await withProcess(config(), async (gateway) => {
      assert.equal((await gateway.word()).kind, 'started');
      const servedAt = (path: string): Words => ({ routes: [{ name: 'all', upstream: 'api', paths: [path] }] });
      const moved = { listen: { host: '127.0.0.1', http: { port: await freePort() }, https: { port: 0 } } };
      const cases: readonly (readonly [Words, RegExp])[] = [
        [config({ ...servedAt('/new'), threads: 3 }), /cannot change while the gateway runs: threads/],
        [config({ ...servedAt('/new'), ...moved }), /cannot change while the gateway runs: listen/],
        [config({ ...servedAt('/new'), unknown: 1 }), /unknown/],
      ];
      for (const [refused, words] of cases) {
        const result = await gateway.reload(refused);
        assert.equal(result.ok, false);
        assert.match(result.words, words);
        assert.equal(await get(ports.http), '200 served');
      }
      assert.deepEqual(await gateway.reload(config(servedAt('/new'))), { kind: 'reloaded', ok: true, words: '' });
      assert.match(await get(ports.http), /^404 /);
      assert.equal(await get(ports.http, '/new'), '200 served');
    });
  });

  test('what is written while one runs is taken by one more, for all who asked meanwhile', async () => {
    const ports = await newPorts();
    const servedAt = (path: string): Words =>
      configOf(ports, { routes: [{ name: 'all', upstream: 'api', paths: [path] }] });
    await withProcess(servedAt('/first'), async (gateway) => {
      assert.equal((await gateway.word()).kind, 'started');
      gateway.write(servedAt('/second'));
      const taken = { kind: 'reloaded', ok: true, words: '' };
      assert.deepEqual(await gateway.order({ overtakeWith: JSON.stringify(servedAt('/third')) }), taken);
      assert.deepEqual([await gateway.word(), await gateway.word()], [taken, taken]);
      assert.equal(await get(ports.http, '/third'), '200 served');
      const status = (await (await fetch(`http://127.0.0.1:${ports.admin}/status`)).json()) as { generation: number };
      assert.equal(status.generation, 3);
    });
  });

  test('a CA file that broke rolls everything back: routes, probes, health of targets', async () => {
    const authority = new TestAuthority();
    const leaf = authority.issue({ names: ['IP:127.0.0.1'] });
    const probed: string[] = [];
    const secure = createHttps({ cert: leaf.certificatePem, key: leaf.keyPem }, (request, response) => {
      if (request.url?.startsWith('/probe') === true) probed.push(request.url);
      response.end('secure');
    });
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, authority.root.certificatePem);
    const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
    const down = await freePort();
    const ports = await newPorts();
    const upstreamsWith = (path: string, extra: Words[] = []): Words => ({
      api: {
        targets: [{ url }, { url: `https://127.0.0.1:${down}` }, ...extra],
        tls: { ca },
        health: { active: { path, intervalMs: 100, timeoutMs: 100 } },
      },
    });
    const stateOf = async (): Promise<unknown> => {
      const response = await fetch(`http://127.0.0.1:${ports.admin}/status`);
      const { upstreams } = (await response.json()) as { upstreams: { target: string; state: string }[] };
      return upstreams.map(({ target, state }) => [target, state]);
    };
    await withProcess(configOf(ports, { upstreams: upstreamsWith('/probe-old') }), async (gateway) => {
      assert.equal((await gateway.word()).kind, 'started');
      const states = [
        [url, 'up'],
        [`https://127.0.0.1:${down}`, 'down'],
      ];
      await until('probes', async () => JSON.stringify(await stateOf()) === JSON.stringify(states));
      assert.equal(await get(ports.http), '200 secure');

      writeFileSync(ca, 'garbage');
      const upstreams = upstreamsWith('/probe-new', [{ url: 'https://127.0.0.1:1' }]);
      const routes = [{ name: 'all', upstream: 'api', paths: ['/new'] }];
      const result = await gateway.reload(configOf(ports, { upstreams, routes }));
      assert.equal(result.ok, false);
      assert.match(result.words, /ca\.pem holds no certificate/);

      const from = probed.length;
      await until('probes of before', () => probed.length >= from + 3);
      assert.deepEqual(new Set(probed), new Set(['/probe-old']));
      assert.deepEqual(await stateOf(), states);
      for (let i = 0; i < 6; i += 1) assert.equal(await get(ports.http), '200 secure');

      writeFileSync(ca, authority.root.certificatePem);
      assert.equal((await gateway.reload(configOf(ports, { upstreams, routes }))).ok, true);
      await until('new probes', () => probed.includes('/probe-new'));
      assert.equal(await get(ports.http, '/new'), '200 secure');
    });
    secure.closeAllConnections();
    secure.close();
    authority.remove();
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type { UpstreamConfig } from '../../src/config/schema.ts';
import { SallyportError } from '../../src/errors.ts';
import { ActiveChecks } from '../../src/upstream/active-check.ts';
import { TargetHealth } from '../../src/upstream/health.ts';
import { createTargetTable, MAIN_THREAD } from '../../src/upstream/layout.ts';
import { type SlotPlan, SlotRegistry } from '../../src/upstream/targets.ts';
import { upstreamOf } from './support.ts';

type Active = Partial<UpstreamConfig['health']['active']>;
const FAST: Active = { path: '/healthz', intervalMs: 10, timeoutMs: 400, healthyAfter: 2, unhealthyAfter: 2 };

interface Change {
  readonly url: string;
  readonly healthy: boolean;
  readonly reason: string;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

class Rig {
  readonly table = createTargetTable();
  readonly health = new TargetHealth(this.table, MAIN_THREAD);
  /** What a request thread sees. */
  readonly thread = new TargetHealth(this.table, 0);
  readonly registry = new SlotRegistry(this.health);
  readonly changes: Change[] = [];
  #wake: (() => void) | undefined;
  readonly checks = new ActiveChecks({
    health: this.health,
    tlsOptions: (upstream) => {
      if (upstream.tls.ca !== '') throw new SallyportError('SP_CONFIG', `cannot read ${upstream.tls.ca}`);
      return { rejectUnauthorized: upstream.tls.verify };
    },
    onChange: ({ url }, healthy, reason) => {
      this.changes.push({ url, healthy, reason });
      this.#wake?.();
    },
  });

  constructor() {
    cleanups.push(() => this.checks.stop());
  }

  update(upstream: UpstreamConfig): SlotPlan {
    const config = { upstreams: { api: upstream } };
    const plan = this.registry.assign(config, 0);
    this.checks.update(config, plan);
    return plan;
  }

  /** The n-th change; waits for it. */
  async change(number: number): Promise<Change> {
    const deadline = setTimeout(() => this.#wake?.(), 5_000);
    const until = performance.now() + 4_900;
    while (this.changes.length < number && performance.now() < until) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(deadline);
    return (
      this.changes[number - 1] ?? assert.fail(`change ${number} did not come; so far: ${JSON.stringify(this.changes)}`)
    );
  }
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

async function serve(handler: Handler, port = 0): Promise<{ server: http.Server; url: string; port: number }> {
  const server = http.createServer(handler);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${address.port}`, port: address.port };
}

/** A server that says something of its own and not always HTTP. */
async function serveRaw(talk: (socket: net.Socket) => void): Promise<string> {
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => talk(socket));
    cleanups.push(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Resolves when the server has had `count` more probes. */
function probes(server: http.Server, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const seen = (): void => {
      left -= 1;
      if (left > 0) return;
      server.off('request', seen);
      resolve();
    };
    server.on('request', seen);
  });
}

describe('a target that goes down and comes back', () => {
  test('by its status, after as many probes as asked', async () => {
    let status = 200;
    const seen: number[] = [];
    const { url, server } = await serve((_request, response) => {
      seen.push(status);
      response.writeHead(status).end('state');
    });
    const rig = new Rig();
    rig.update(upstreamOf([url], { ...FAST, unhealthyAfter: 3 }));
    await probes(server, 3);
    assert.deepEqual(rig.changes, []);
    status = 503;
    assert.deepEqual(await rig.change(1), { url, healthy: false, reason: 'status 503' });
    assert.equal(seen.filter((probe) => probe === 503).length, 3);
    assert.equal(rig.thread.usable(0, 0), false);
    status = 399;
    assert.deepEqual(await rig.change(2), { url, healthy: true, reason: 'status 399' });
    assert.equal(seen.filter((probe) => probe === 399).length, 2);
    assert.equal(rig.thread.usable(0, 0), true);
  });

  test('by its port', async () => {
    const first = await serve((_request, response) => response.end());
    const rig = new Rig();
    rig.update(upstreamOf([first.url], FAST));
    await probes(first.server, 1);
    first.server.closeAllConnections();
    first.server.close();
    const down = await rig.change(1);
    assert.equal(down.healthy, false);
    assert.match(down.reason, /ECONNREFUSED|ECONNRESET|socket hang up/);
    await serve((_request, response) => response.end(), first.port);
    assert.deepEqual(await rig.change(2), { url: first.url, healthy: true, reason: 'status 200' });
  });

  test('good and bad in turn change nothing: only rows count', async () => {
    let count = 0;
    const { url, server } = await serve((_request, response) => {
      count += 1;
      response.writeHead(count % 2 === 0 ? 500 : 200).end();
    });
    const rig = new Rig();
    rig.update(upstreamOf([url], FAST));
    await probes(server, 12);
    assert.deepEqual(rig.changes, []);
  });
});

describe('what counts as bad', () => {
  const bad: readonly (readonly [string, (socket: net.Socket) => void, RegExp])[] = [
    ['silence', () => undefined, /^no complete answer in 60 ms$/],
    [
      'an answer that never ends',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
      /^no complete answer in 60 ms$/,
    ],
    [
      'a cut answer',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
      /aborted|without a complete answer/,
    ],
    ['garbage', (socket) => socket.end('SSH-2.0-x\r\n\r\n'), /Parse Error/],
    ['a connection closed without a word', (socket) => socket.end(), /socket hang up/],
    [
      'an upgrade nobody asked for',
      (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
      /./,
    ],
    [
      'a redirect outside of the range',
      (socket) => socket.end('HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n'),
      /^status 302$/,
    ],
  ];
  for (const [name, talk, reason] of bad) {
    test(name, async () => {
      const url = await serveRaw(talk);
      const rig = new Rig();
      rig.update(upstreamOf([url], { ...FAST, timeoutMs: 60, statusMax: 299 }));
      const change = await rig.change(1);
      assert.equal(change.healthy, false);
      assert.match(change.reason, reason);
    });
  }

  test('TLS where there is none, and TLS material that cannot be used', async () => {
    const { url } = await serve((_request, response) => response.end());
    const rig = new Rig();
    rig.update(upstreamOf([url.replace('http:', 'https:')], FAST));
    assert.match((await rig.change(1)).reason, /wrong version number|packet length|EPROTO/i);

    const changes: string[] = [];
    const broken = new ActiveChecks({
      health: new TargetHealth(createTargetTable(), MAIN_THREAD),
      tlsOptions: () => ({ ca: '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----' }),
      onChange: (_target, _healthy, reason) => {
        changes.push(reason);
        broken.stop();
        done();
      },
    });
    let done = (): void => undefined;
    const changed = new Promise<void>((resolve) => {
      done = resolve;
    });
    const config = { upstreams: { api: upstreamOf(['https://127.0.0.1:9'], FAST) } };
    broken.update(config, new SlotRegistry(new TargetHealth(createTargetTable(), MAIN_THREAD)).assign(config, 0));
    await changed;
    assert.equal(changes.length, 1);
    assert.notEqual(changes[0], '');
  });
});

test('a body without end is read up to a cap, and its status counts', async () => {
  const { url, server } = await serve((_request, response) => {
    response.writeHead(500);
    const pour = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384)));
    };
    response.on('drain', pour);
    pour();
  });
  const rig = new Rig();
  rig.update(upstreamOf([url], FAST));
  assert.deepEqual(await rig.change(1), { url, healthy: false, reason: 'status 500' });
  assert.equal(server.listening, true);
});

test('a probe is a GET of its own connection, without anything of a client', async () => {
  let fields: string[] = [];
  let line = '';
  const { url, server, port } = await serve((request, response) => {
    line = `${request.method} ${request.url}`;
    fields = request.rawHeaders.map((text) => text.toLowerCase());
    response.end();
  });
  const rig = new Rig();
  rig.update(upstreamOf([url], { ...FAST, path: '/healthz?deep=1' }));
  await probes(server, 1);
  assert.equal(line, 'GET /healthz?deep=1');
  assert.deepEqual(fields, [
    'host',
    `127.0.0.1:${port}`,
    'user-agent',
    'health-check',
    'accept',
    '*/*',
    'connection',
    'close',
  ]);
});

test('probes of one target never overlap, however slow it is', async () => {
  let running = 0;
  let most = 0;
  const { url, server } = await serve((_request, response) => {
    running += 1;
    most = Math.max(most, running);
    setTimeout(() => response.end(), 40);
    response.on('close', () => {
      running -= 1;
    });
  });
  const rig = new Rig();
  rig.update(upstreamOf([url], FAST));
  await probes(server, 5);
  assert.equal(most, 1);
});

describe('reload', () => {
  test('keeps what is known of unchanged targets, and their loops', async () => {
    const { url } = await serve((_request, response) => response.writeHead(500).end());
    const other = await serve((_request, response) => response.end());
    const rig = new Rig();
    rig.update(upstreamOf([url], FAST));
    await rig.change(1);
    const plan = rig.update(upstreamOf([other.url, url], FAST));
    await probes(other.server, 3);
    assert.equal(rig.changes.length, 1, 'still down, not reported anew');
    assert.equal(rig.thread.activelyUp(plan.slots[`api http 127.0.0.1 ${url.split(':')[2]}`] as number), false);
  });

  test('a target that was down is up again once its checks are switched off', async () => {
    const { url, server } = await serve((_request, response) => response.writeHead(500).end());
    const rig = new Rig();
    rig.update(upstreamOf([url], FAST));
    await rig.change(1);
    rig.update(upstreamOf([url], { ...FAST, path: '' }));
    assert.deepEqual(rig.changes[1], { url, healthy: true, reason: 'active checks were switched off' });
    assert.equal(rig.thread.usable(0, 0), true);
    rig.update(upstreamOf([url], { ...FAST, path: '' }));
    assert.equal(rig.changes.length, 2);
    assert.equal(server.listening, true);
  });

  test('changed settings count at once, also from a long interval', async () => {
    const { url } = await serve((request, response) => response.writeHead(request.url === '/bad' ? 500 : 200).end());
    const rig = new Rig();
    rig.update(upstreamOf([url], { ...FAST, intervalMs: 86_400_000 }));
    rig.update(upstreamOf([url], { ...FAST, path: '/bad' }));
    assert.equal((await rig.change(1)).reason, 'status 500');
  });

  test('a vanished target is not probed any more; back again, it is what it was', async () => {
    const { url, server } = await serve((_request, response) => response.writeHead(500).end());
    const other = await serve((_request, response) => response.end());
    const rig = new Rig();
    rig.update(upstreamOf([url, other.url], FAST));
    await rig.change(1);
    rig.update(upstreamOf([other.url], FAST));
    const inFlight = 1;
    let late = 0;
    server.on('request', () => {
      late += 1;
    });
    await probes(other.server, 5);
    assert.ok(late <= inFlight, `${late} probes after the target left`);
    rig.update(upstreamOf([url, other.url], FAST));
    await probes(server, 3);
    assert.equal(rig.changes.length, 1);
    assert.equal(rig.thread.activelyUp(0), false);
  });

  test('a configuration that cannot be followed changes nothing', async () => {
    const { url, server } = await serve((_request, response) => response.end());
    const rig = new Rig();
    const good = upstreamOf([url], FAST);
    const plan = rig.update(good);
    const bad = { ...upstreamOf(['https://127.0.0.1:9'], FAST), tls: { ...good.tls, ca: '/absent.pem' } };
    const config = { upstreams: { api: good, other: bad } };
    assert.throws(() => rig.checks.update(config, rig.registry.assign(config, 0)), /cannot read \/absent\.pem/);
    assert.throws(
      () => rig.checks.update({ upstreams: { api: upstreamOf(['http://unknown'], FAST) } }, plan),
      /has no slot/,
    );
    await probes(server, 3);
  });
});

test('stop ends the probes, also one under way, and nothing is reported afterwards', async () => {
  const closed: Promise<unknown>[] = [];
  const { url, server } = await serve((request) => {
    closed.push(once(request.socket, 'close'));
  });
  const rig = new Rig();
  rig.update(upstreamOf([url], { ...FAST, unhealthyAfter: 1 }));
  await probes(server, 1);
  rig.checks.stop();
  await Promise.all(closed);
  assert.equal(closed.length, 1);
  assert.deepEqual(rig.changes, []);
});

test('probes keep no process alive', async () => {
  // The loop's timers are unref'd: with nothing else to do the child ends by itself.
  const script = `
    import { ActiveChecks } from ${JSON.stringify(new URL('../../src/upstream/active-check.js', import.meta.url).href)};
    import { TargetHealth } from ${JSON.stringify(new URL('../../src/upstream/health.js', import.meta.url).href)};
    import { createTargetTable } from ${JSON.stringify(new URL('../../src/upstream/layout.js', import.meta.url).href)};
    import { SlotRegistry } from ${JSON.stringify(new URL('../../src/upstream/targets.js', import.meta.url).href)};
    import { upstreamOf } from ${JSON.stringify(new URL('./support.js', import.meta.url).href)};
    const config = { upstreams: { api: upstreamOf(['http://127.0.0.1:9'], { path: '/', intervalMs: 60000 }) } };
    const health = new TargetHealth(createTargetTable(), -1);
    const checks = new ActiveChecks({ health, tlsOptions: () => ({}), onChange() {} });
    checks.update(config, new SlotRegistry(health).assign(config, 0));
    console.log('set up');
  `;
  const output = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 }, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
  });
  assert.equal(output, 'set up\n');
});

import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { treeCpuUs } from '../cpu.ts';
import { freePort, Server } from '../servers.ts';
import { type Spread, spreadOf } from '../statistics.ts';
import { Workspace } from '../workspace.ts';
import { isOver, limitFor } from './judge.ts';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const BURN = new URL('./burn.js', import.meta.url).href;
const ROUNDS = 9;
const REQUESTS = 8_000;
const CONNECTIONS = 16;
const SLOW_DOWN = 0.2;
/** As after a release whose ratio was 1. */
const RELEASE = { ratios: { 'self-test': 1 }, worsening: 0.1 };

/**
 * A Sallyport beside its like, and beside one that burns a fifth more CPU time per request, in interleaved rounds.
 *
 * @returns  Whether the gate would close on the slow one and stay open for the like.
 */
export async function selfTest(say: (words: string) => void): Promise<boolean> {
  const workspace = new Workspace();
  const servers: Server[] = [];
  const upstream = createServer({ keepAliveTimeout: 3_600_000 }, (_, response) => response.end('{"id":1}'));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const start = async (name: string, args: readonly string[]): Promise<Server> => {
    const port = await freePort();
    const config = configOf(port, (upstream.address() as AddressInfo).port);
    const launch = {
      command: process.execPath,
      args: [...args, CLI, 'serve'],
      env: ENV,
      files: { 'gateway.yaml': config },
    };
    const server = await Server.start(name, port, workspace.folder(name), launch);
    servers.push(server);
    await load(agent, port, REQUESTS * 2);
    return server;
  };
  try {
    const first = await start('sallyport', []);
    const cost = spreadOf([await costOf(first, agent), await costOf(first, agent), await costOf(first, agent)]).median;
    const burnUs = cost * SLOW_DOWN;
    say(`a request costs ${cost.toFixed(1)} us; the slow one burns ${burnUs.toFixed(1)} us more`);
    const like = await start('like', []);
    const slow = await start('slow', ['--import', `${BURN}?us=${burnUs}`]);
    const ratios = { like: [] as number[], slow: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      const costs = new Map<Server, number>();
      const order = [first, like, slow];
      for (const server of round % 2 === 0 ? order : order.toReversed()) costs.set(server, await costOf(server, agent));
      const base = costs.get(first) ?? Number.NaN;
      ratios.like.push((costs.get(like) ?? Number.NaN) / base);
      ratios.slow.push((costs.get(slow) ?? Number.NaN) / base);
    }
    return verdict(spreadOf(ratios.like), spreadOf(ratios.slow), say);
  } finally {
    agent.destroy();
    for (const server of servers) await server.stop();
    upstream.closeAllConnections();
    upstream.close();
    workspace.remove();
  }
}

/** Judged as any ratio is after a release. */
export function verdict(like: Spread, slow: Spread, say: (words: string) => void): boolean {
  const { limit } = limitFor({ name: 'self-test', most: 2 }, RELEASE);
  const closes = (spread: Spread): boolean => isOver(spread, limit);
  const words = ({ median, min, max }: Spread): string =>
    `${median.toFixed(3)} [${min.toFixed(3)} ${max.toFixed(3)}] times, at most ${limit}`;
  say(`without the slow-down: ${words(like)}: the gate is ${closes(like) ? 'closed' : 'open'}`);
  say(`with a slow-down of 20 %: ${words(slow)}: the gate is ${closes(slow) ? 'closed' : 'open'}`);
  const works = !closes(like) && closes(slow);
  say(
    works
      ? 'the gate works.'
      : 'the gate does NOT work here; on a machine that others use, try again when it is quiet.',
  );
  return works;
}

async function costOf(server: Server, agent: Agent): Promise<number> {
  const before = treeCpuUs(server.pid);
  await load(agent, server.port, REQUESTS);
  return (treeCpuUs(server.pid) - before) / REQUESTS;
}

async function load(agent: Agent, port: number, amount: number): Promise<void> {
  let left = amount;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await ask(agent, port, `/items/${left}?page=${left % 40}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
}

function ask(agent: Agent, port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ agent, host: '127.0.0.1', port, path }, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`answered ${response.statusCode}`));
      });
    }).once('error', reject);
  });
}

/** Settings of the shell that started the gate must not reach what is measured. */
const ENV: Readonly<Record<string, string | undefined>> = {
  ...Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => name.startsWith('SALLYPORT_') || name === 'NODE_OPTIONS')
      .map((name) => [name, undefined]),
  ),
  SALLYPORT_CONFIG: 'gateway.yaml',
};

function configOf(port: number, upstreamPort: number): string {
  return JSON.stringify({
    threads: 1,
    listen: { host: '127.0.0.1', http: { port } },
    admin: { port: 0 },
    log: { access: false, format: 'json' },
    waf: { baseline: 'off' },
    upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstreamPort}` }] } },
    routes: [{ name: 'all', upstream: 'main' }],
  });
}

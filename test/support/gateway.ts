import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './wait.ts';

/** Folder of the compiled project: whatever `tsc --outDir` this very file was written to. */
export const DIST = fileURLToPath(new URL('../../', import.meta.url));
const CLI = join(DIST, 'src/cli/main.js');
const BOOT_MS = 20_000;

/** A JSON line of the gateway's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A configuration as written to the file: any shape, since broken ones are tested too. */
export type ConfigDocument = Readonly<Record<string, unknown>>;

export interface GatewayOptions {
  /** Written as JSON, which is YAML. Ports that it does not name are filled in. Absent: no configuration at all. */
  readonly config?: ConfigDocument;
  readonly env?: Readonly<Record<string, string>>;
  /** Modules for `--import`, in every thread. */
  readonly preload?: readonly string[];
  readonly https?: boolean;
  /** Ports of another gateway, to start beside it. */
  readonly ports?: { readonly http: number; readonly https: number };
}

export interface Memory {
  /** Bytes now, and the highest so far. */
  readonly rss: number;
  readonly peak: number;
}

export interface Gateway {
  readonly http: number;
  readonly https: number;
  readonly admin: number;
  readonly pid: number;
  readonly configFile: string;
  /** Parsed lines of standard output so far; `text` has all of it, the banner included. */
  readonly lines: readonly LogLine[];
  readonly text: () => string;
  readonly stderr: () => string;
  readonly exited: () => boolean;
  /** From /proc. @throws  When the process is gone. */
  memory(): Memory;
  /** CPU time of all threads, milliseconds. */
  cpuMs(): number;
  /**
   * Leaves the process so many file descriptors above those it has open now. Done while it runs, since loading modules
   * takes more of them than serving does.
   */
  limitDescriptors(spare: number): void;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Sum of the samples of one metric whose labels contain every given text. */
  metric(name: string, ...labels: readonly string[]): Promise<number>;
  /** Waits for a log line. Lines before `from` (a former `lines.length`) do not count. */
  line(what: string, match: (line: LogLine) => boolean, from?: number, timeoutMs?: number): Promise<LogLine>;
  writeConfig(config: ConfigDocument): void;
  /** Writes `config` where given, then asks the admin listener to reload. @returns  Whether it took, and its words. */
  reload(config?: ConfigDocument): Promise<{ ok: boolean; text: string }>;
  signal(name: NodeJS.Signals): void;
  /** Signals and waits for the end. @returns  Exit code, or the signal's name when a signal ended it. */
  stop(name?: NodeJS.Signals, timeoutMs?: number): Promise<number | string>;
}

/**
 * Starts the gateway as the process that users run, and waits until it is ready. The caller stops it; a test that
 * fails before that leaves no process behind, since ours kills its child when it exits.
 *
 * @throws  Error with what the process wrote, when it is not ready within 20 s.
 */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
  const configFile = join(folder, 'gateway.yaml');
  const http = options.ports?.http ?? (await freePort());
  const https = options.ports?.https ?? (options.https ? await freePort() : 0);
  const admin = await freePort();
  const complete = (config: ConfigDocument): string =>
    JSON.stringify(
      {
        threads: 2,
        listen: { host: '127.0.0.1', http: { port: http }, https: { port: https } },
        admin: { port: admin },
        ...config,
      },
      null,
      2,
    );
  if (options.config) writeFileSync(configFile, complete(options.config));

  const env: NodeJS.ProcessEnv = { ...withoutOurs(process.env), ...options.env };
  if (options.config) env.SALLYPORT_CONFIG = configFile;
  else {
    env.SALLYPORT_HTTP_PORT ??= String(http);
    env.SALLYPORT_ADMIN_PORT ??= String(admin);
  }
  if (options.preload?.length) env.NODE_OPTIONS = options.preload.map((file) => `--import=${file}`).join(' ');
  const child = spawn(process.execPath, [CLI, 'serve'], { env });
  const output = capture(child);
  const killChild = () => child.kill('SIGKILL');
  process.once('exit', killChild);
  child.once('exit', () => {
    process.removeListener('exit', killChild);
    rmSync(folder, { recursive: true, force: true });
  });

  const gateway: Gateway = {
    http,
    https,
    admin,
    pid: child.pid ?? 0,
    configFile,
    lines: output.lines,
    text: output.text,
    stderr: output.stderr,
    exited: () => hasExited(child),
    memory: () => memoryOf(child.pid ?? 0),
    cpuMs: () => cpuOf(child.pid ?? 0),
    limitDescriptors: (spare) => {
      const used = readdirSync(`/proc/${child.pid}/fd`).length;
      execFileSync('prlimit', ['--pid', String(child.pid), `--nofile=${used + spare}`]);
    },
    metrics: async () => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text(),
    metric: async (name, ...labels) => sumOf(await gateway.metrics(), name, labels),
    line: (what, match, from = 0, timeoutMs = 10_000) =>
      until(`log line: ${what}`, () => output.lines.slice(from).find(match), timeoutMs),
    writeConfig: (config) => writeFileSync(configFile, complete(config)),
    reload: async (config) => {
      if (config) gateway.writeConfig(config);
      const response = await fetch(`http://127.0.0.1:${admin}/reload`, {
        method: 'POST',
        headers: { 'x-sallyport-admin': '1' },
      });
      return { ok: response.ok, text: await response.text() };
    },
    signal: (name) => void child.kill(name),
    stop: async (name = 'SIGTERM', timeoutMs = 40_000) => {
      if (!hasExited(child)) {
        const gone = once(child, 'exit');
        child.kill(name);
        const timer = setTimeout(killChild, timeoutMs);
        await gone;
        clearTimeout(timer);
      }
      return child.exitCode ?? child.signalCode ?? 'unknown';
    },
  };
  try {
    await until('the gateway to be ready', () => isReady(child, admin), BOOT_MS);
  } catch (error) {
    killChild();
    throw new Error(`gateway not ready\n--- stdout\n${output.text()}\n--- stderr\n${output.stderr()}`, {
      cause: error,
    });
  }
  return gateway;
}

/** Fails at once when the process ended. */
async function isReady(child: ChildProcess, admin: number): Promise<boolean> {
  if (hasExited(child)) throw new Error(`exited with ${child.exitCode ?? child.signalCode}`);
  try {
    const response = await fetch(`http://127.0.0.1:${admin}/readyz`, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Nobody listens yet: asked again until the deadline.
    return false;
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** The developer's own SALLYPORT_ variables and test runner flags must not reach the gateway under test. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = (name: string) =>
    !name.startsWith('SALLYPORT_') && name !== 'NODE_OPTIONS' && name !== 'NODE_TEST_CONTEXT';
  return Object.fromEntries(Object.entries(env).filter(([name]) => foreign(name)));
}

function capture(child: ChildProcess): { lines: LogLine[]; text: () => string; stderr: () => string } {
  const lines: LogLine[] = [];
  const pieces: string[] = [];
  const errors: string[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    pieces.push(chunk);
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const line = parseLine(part);
      if (line !== null) lines.push(line);
    }
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk));
  return { lines, text: () => pieces.join(''), stderr: () => errors.join('') };
}

function parseLine(text: string): LogLine | null {
  if (!text.startsWith('{')) return null;
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { unparsable: text };
  }
}

/**
 * A loopback port that nobody has. Below the kernel's ephemeral range, so that no outgoing connection takes it between
 * this look and the gateway's listen.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** @param pid  Any process of ours. @returns  Resident bytes: now (VmRSS) and the highest so far (VmHWM). */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
  return { rss: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 };
}

function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // Fields 14 and 15, counted after the command name, which may hold spaces; USER_HZ is 100 on every Linux port in use.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function sumOf(text: string, name: string, labels: readonly string[]): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$/.exec(line);
    if (match?.[1] === name && labels.every((label) => match[2]?.includes(label))) sum += Number(match[3]);
  }
  return sum;
}

/** Bodies stream while they arrive: no rule waits for them. All threads are ingress threads. */
export const UNINSPECTED: ConfigDocument = { waf: { baseline: 'off' } };

/** A configuration with one upstream behind everything; `more` replaces or adds top-level keys. */
export function simpleConfig(
  upstreamPorts: number | readonly number[],
  more: ConfigDocument = {},
  upstream: ConfigDocument = {},
): ConfigDocument {
  const ports = typeof upstreamPorts === 'number' ? [upstreamPorts] : upstreamPorts;
  return {
    upstreams: { main: { targets: ports.map((port) => ({ url: `http://127.0.0.1:${port}` })), ...upstream } },
    routes: [{ name: 'all', upstream: 'main' }],
    ...more,
  };
}

import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { SallyportError } from '../errors.ts';
import type { UwsModule } from './uws-types.ts';

export type * from './uws-types.ts';

/** A build of uWebSockets.js that is loaded and was found whole. */
export interface Uws extends Omit<UwsModule, '_cfg'> {
  readonly buildName: BuildName;
  /**
   * Longest request head that may arrive in more than one TCP read, bytes; longer ones are cut or answered by uWS
   * itself. A head that arrives in one read may be longer.
   */
  readonly splitHeadBytesMax: number;
  /** Largest Content-Length that the build carries; it cuts connections that declare more. */
  readonly contentLengthMax: number;
}

export type BuildName = 'uWebSockets.js' | 'uws-node22' | 'uws-node20';

/** What decides which build fits; a parameter so that tests can stand on other machines. */
export interface Machine {
  readonly nodeMajor: number;
  readonly platform: string;
  readonly arch: string;
  /** `process.versions.modules`: the native interface's number. */
  readonly modules: string;
  /** `require` as seen from this file. */
  readonly require: (specifier: string) => unknown;
}

const HEAD_BYTES_VARIABLE = 'UWS_HTTP_MAX_HEADERS_SIZE';
/** Built into 20.30; the default of later builds. */
const HEAD_BYTES_DEFAULT = 4_096;

let loaded: Uws | undefined;

/**
 * Loads the build of uWebSockets.js for this machine, once per thread, and switches its `uWebSockets` response field
 * off.
 *
 * @returns The same frozen object on every call.
 * @throws  SallyportError SP_PLATFORM, with what was tried, when no sound build loads.
 *
 * Threads: ingress threads only; each has its own instance over one native library. `setHeadBytesMax` comes first.
 * Source:  docs/decisions/0001-uwebsockets-builds.md.
 */
export function loadUws(): Uws {
  loaded ??= pickBuild({
    nodeMajor: Number.parseInt(process.versions.node, 10),
    platform: process.platform,
    arch: process.arch,
    modules: process.versions.modules,
    require: createRequire(import.meta.url),
  });
  return loaded;
}

/**
 * Sets the longest request head of the builds that let it be set (20.57; 20.30 has 4 KiB built in). The library reads
 * it once per process, while it loads, from the real environment, which only the main thread can write: a worker's
 * `process.env` is a copy.
 *
 * @param bytes  1,024 or more.
 * @throws  SallyportError SP_PLATFORM when called in a worker or after the library was loaded: it would have no effect.
 */
export function setHeadBytesMax(bytes: number): void {
  if (!isMainThread || loaded !== undefined) {
    throw new SallyportError(
      'SP_PLATFORM',
      'The request-head limit was set too late: set it on the main thread before uWebSockets.js is loaded by any thread.',
    );
  }
  process.env[HEAD_BYTES_VARIABLE] = String(bytes);
}

/**
 * Picks and checks a build: the authors' own package if an operator installed it, else the pinned package for this
 * Node version.
 *
 * @throws  SallyportError SP_PLATFORM when none loads, or when the operator's own one is installed but broken: to fall
 *          back behind an operator's back would run code that was not chosen.
 */
export function pickBuild(machine: Machine): Uws {
  const tried: string[] = [];
  for (const [buildName, specifier] of candidates(machine)) {
    let found: unknown;
    try {
      found = machine.require(specifier);
    } catch (error) {
      if (buildName === 'uWebSockets.js' && isAbsent(error, specifier)) continue;
      tried.push(`${specifier}: ${firstLine(error)}`);
      if (buildName === 'uWebSockets.js') break;
      continue;
    }
    const missing = missingFrom(found);
    if (missing === '') return prepare(buildName, found as UwsModule);
    tried.push(`${specifier}: loaded, but has no ${missing}`);
    if (buildName === 'uWebSockets.js') break;
  }
  throw new SallyportError(
    'SP_PLATFORM',
    `No build of uWebSockets.js loads on Node ${machine.nodeMajor} (${machine.platform} ${machine.arch}, modules ` +
      `${machine.modules}). Tried ${tried.join('; ')}. ${remedy(machine, tried)}`,
    { tried, nodeMajor: machine.nodeMajor, platform: machine.platform, arch: machine.arch, modules: machine.modules },
  );
}

/**
 * In order of preference. Node 20 with glibc >= 2.38 could run the newer package too: it is the second choice there.
 */
function candidates({ nodeMajor, platform, arch, modules }: Machine): [BuildName, string][] {
  const list: [BuildName, string][] = [['uWebSockets.js', 'uWebSockets.js']];
  // The binary by its path: the package's own entry falls back to a slow JavaScript imitation without a sign.
  if (nodeMajor === 20) list.push(['uws-node20', `uws-node20/binaries/uws_${platform}_${arch}_${modules}.node`]);
  if (nodeMajor >= 20) list.push(['uws-node22', 'uws-node22']);
  return list;
}

const FUNCTIONS = ['App', 'SSLApp', 'us_listen_socket_close', 'us_socket_local_port', '_cfg'] as const;
const CONSTANTS = ['LIBUS_LISTEN_EXCLUSIVE_PORT', 'DISABLED', 'SHARED_COMPRESSOR'] as const;

/** @returns '' or the name of the first missing part: an imitation has no SSLApp. */
function missingFrom(found: unknown): string {
  if (typeof found !== 'object' || found === null) return 'exports';
  const parts = found as Record<string, unknown>;
  for (const name of FUNCTIONS) if (typeof parts[name] !== 'function') return name;
  for (const name of CONSTANTS) if (typeof parts[name] !== 'number') return name;
  return '';
}

function prepare(buildName: BuildName, found: UwsModule): Uws {
  // Per thread: the flag lives in the thread's event loop. Without it every answer carries `uWebSockets: 20`.
  found._cfg('silent');
  const asked = Number.parseInt(process.env[HEAD_BYTES_VARIABLE] ?? '', 10);
  return Object.freeze({
    buildName,
    splitHeadBytesMax: buildName !== 'uws-node20' && asked > 0 ? asked : HEAD_BYTES_DEFAULT,
    // 20.30 takes nine digits.
    contentLengthMax: buildName === 'uws-node20' ? 999_999_999 : Number.MAX_SAFE_INTEGER,
    App: found.App,
    SSLApp: found.SSLApp,
    us_listen_socket_close: found.us_listen_socket_close,
    us_socket_local_port: found.us_socket_local_port,
    LIBUS_LISTEN_EXCLUSIVE_PORT: found.LIBUS_LISTEN_EXCLUSIVE_PORT,
    DISABLED: found.DISABLED,
    SHARED_COMPRESSOR: found.SHARED_COMPRESSOR,
  });
}

function remedy({ nodeMajor }: Machine, tried: readonly string[]): string {
  const first = tried[0] ?? '';
  if (first.startsWith('uWebSockets.js:')) {
    return 'Remove that package, or install the release that its authors made for this Node version.';
  }
  if (nodeMajor < 20) return 'Use Node 20, 22 or 24.';
  if (/GLIBC_/.test(tried.join())) {
    return nodeMajor === 20
      ? 'Node 20 needs glibc >= 2.27 on Linux x64.'
      : 'Node 22 and newer need glibc >= 2.38: Debian 13, Ubuntu 24.04 or newer; on older systems use Node 20.';
  }
  if (/Cannot find (module|package)/.test(tried.join())) {
    return 'Optional dependencies were left out, or this platform has none: install with `npm install --include=optional` on Linux with glibc (not musl) or macOS.';
  }
  return 'Use Node 20, 22 or 24 on Linux with glibc (not musl) or macOS.';
}

function isAbsent(error: unknown, specifier: string): boolean {
  return (
    error instanceof Error &&
    (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND' &&
    error.message.startsWith(`Cannot find module '${specifier}'`)
  );
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // uWebSockets.js puts the loader's reason last, after a blank line.
  const lines = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('Require stack') && !line.startsWith('- '));
  return lines.at(-1) ?? text;
}

import { loadConfig } from '../config/load.ts';
import { ConfigError } from '../config/problems.ts';
import { EXIT_OK, EXIT_REFUSED } from './exit-codes.ts';

export interface ReloadOptions {
  /** Where the admin listener's address and token are said; undefined for SALLYPORT_CONFIG. */
  readonly configFile: string | undefined;
  /** Admin listener; undefined for what the configuration says. */
  readonly url: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** Longer than any reload: a new configuration is at work within seconds, or refused. Milliseconds. */
const RELOAD_MS_MAX = 60_000;

/**
 * Asks a running gateway to read its configuration again, and prints what came of it.
 *
 * @returns Exit code: 0 when the new configuration is at work, 1 when it was refused or nobody answered.
 * @throws Never.
 */
export async function reload(options: ReloadOptions): Promise<number> {
  const admin = adminOf(options);
  const url = `${(options.url ?? admin.url).replace(/\/+$/, '')}/reload`;
  const { token } = admin;
  // The field keeps browsers out: no page can send it across origins without being asked first.
  const headers: Record<string, string> = { 'x-sallyport-admin': '1' };
  if (token !== '') headers.authorization = `Bearer ${token}`;
  try {
    const signal = AbortSignal.timeout(RELOAD_MS_MAX);
    const response = await fetch(url, { method: 'POST', headers, redirect: 'error', signal });
    const text = await response.text();
    if (response.ok) {
      console.log(describeAnswer(text, 'reloaded'));
      return EXIT_OK;
    }
    console.error(describeAnswer(text, `refused with status ${response.status}`));
    if (response.status === 401) console.error('  set SALLYPORT_ADMIN_TOKEN to the token of the admin listener');
    return EXIT_REFUSED;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const words = cause instanceof Error ? cause.message : String(cause);
    console.error(`no answer from ${url}: ${words}; is the gateway running, and is this its admin listener (--url)?`);
    return EXIT_REFUSED;
  }
}

/**
 * A configuration that cannot be read is no reason to stop: the gateway, asked to read it, says why. Its address and
 * token then come from the environment alone.
 */
function adminOf({ configFile, env }: ReloadOptions): { url: string; token: string } {
  try {
    const { admin } = loadConfig({ file: configFile, env, cwd: process.cwd() }).config;
    return { url: `http://${reachable(admin.host)}:${admin.port}`, token: admin.token };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { url: `http://127.0.0.1:${env.SALLYPORT_ADMIN_PORT || '9090'}`, token: env.SALLYPORT_ADMIN_TOKEN || '' };
  }
}

/** Whoever listens on every interface is asked on loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * @param text  Body of the answer: a JSON object with `detail`, `generation`, `warnings` and `problems`, as far as
 *              there are any.
 */
export function describeAnswer(text: string, fallback: string): string {
  const answer = parse(text);
  const generation = typeof answer.generation === 'number' ? `generation ${answer.generation} is at work` : '';
  const headline = typeof answer.detail === 'string' ? answer.detail : generation;
  const rows = [...list(answer.problems), ...list(answer.warnings)];
  return [headline === '' ? fallback : `${fallback}: ${headline}`, ...rows.map((row) => `  ${describeRow(row)}`)]
    .map(printable)
    .join('\n');
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Not our gateway, or a proxy before it: the status says enough.
    return {};
  }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function describeRow(row: unknown): string {
  if (typeof row !== 'object' || row === null) return String(row);
  const { path, source, line, found, remedy } = row as Record<string, unknown>;
  const place = typeof line === 'number' && line > 0 ? `${source}:${line}` : source;
  const parts = [path, place === undefined ? undefined : `(${place})`, found];
  const words = parts.filter((part) => part !== undefined && part !== '').join('  ');
  return remedy === undefined ? words : `${words}; ${remedy}`;
}

/** Control characters from elsewhere must not reach the terminal as commands. */
function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, '?');
}

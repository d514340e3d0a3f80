import { loadConfig } from '../config/load.ts';
import { ConfigError } from '../config/problems.ts';

export interface AdminClientOptions {
  /** Where the admin listener's address and token are said; undefined for SALLYPORT_CONFIG. */
  readonly configFile: string | undefined;
  /** Admin listener; undefined for what the configuration says. */
  readonly url: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

export interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query. */
  readonly target: string;
  /** Sent as JSON. */
  readonly body?: object;
  readonly timeoutMs: number;
}

/** What came of a request: an answer, or words for the person at the terminal. */
export type AdminAnswer =
  | { readonly status: number; readonly ok: boolean; readonly text: string }
  | { readonly failure: string };

/**
 * Asks the admin listener of a running gateway.
 *
 * @throws Never for what the network or the other side does.
 */
export async function askAdmin(options: AdminClientOptions, request: AdminRequest): Promise<AdminAnswer> {
  const admin = adminOf(options);
  const url = `${(options.url ?? admin.url).replace(/\/+$/, '')}${request.target}`;
  // The field keeps browsers out: no page can send it across origins without being asked first.
  const headers: Record<string, string> = { 'x-sallyport-admin': '1' };
  if (admin.token !== '') headers.authorization = `Bearer ${admin.token}`;
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  try {
    const response = await fetch(url, {
      method: request.method,
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(request.timeoutMs),
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    return { status: response.status, ok: response.ok, text: await response.text() };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const words = cause instanceof Error ? cause.message : String(cause);
    return {
      failure: `no answer from ${url}: ${words}; is the gateway running, and is this its admin listener (--url)?`,
    };
  }
}

/** What to do about a 401. */
export const TOKEN_REMEDY = '  set SALLYPORT_ADMIN_TOKEN to the token of the admin listener';

/**
 * A configuration that cannot be read is no reason to stop: the gateway, asked to read it, says why. Its address and
 * token then come from the environment alone.
 */
function adminOf({ configFile, env }: AdminClientOptions): { url: string; token: string } {
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

/** @returns  The JSON object of an answer; an empty one where there is none. */
export function parseAnswer(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Not our gateway, or a proxy before it: the status says enough.
    return {};
  }
}

/** A value as JSON on one line; characters that could steer the terminal are escaped. */
export function printableJson(value: object): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => escaped(character.charCodeAt(i))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** Control characters from elsewhere must not reach the terminal as commands. */
export function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

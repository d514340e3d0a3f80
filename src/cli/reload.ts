import { type AdminClientOptions, askAdmin, parseAnswer, printable, TOKEN_REMEDY } from './admin-client.ts';
import { EXIT_OK, EXIT_REFUSED } from './exit-codes.ts';

export type ReloadOptions = AdminClientOptions;

/** Longer than any reload: a new configuration is at work within seconds, or refused. Milliseconds. */
const RELOAD_MS_MAX = 60_000;

/**
 * Asks a running gateway to read its configuration again, and prints what came of it.
 *
 * @returns Exit code: 0 when the new configuration is at work, 1 when it was refused or nobody answered.
 * @throws Never.
 */
export async function reload(options: ReloadOptions): Promise<number> {
  const answer = await askAdmin(options, { method: 'POST', target: '/reload', timeoutMs: RELOAD_MS_MAX });
  if ('failure' in answer) {
    console.error(answer.failure);
    return EXIT_REFUSED;
  }
  if (answer.ok) {
    console.log(describeAnswer(answer.text, 'reloaded'));
    return EXIT_OK;
  }
  console.error(describeAnswer(answer.text, `refused with status ${answer.status}`));
  if (answer.status === 401) console.error(TOKEN_REMEDY);
  return EXIT_REFUSED;
}

/**
 * @param text  Body of the answer: a JSON object with `detail`, `generation`, `warnings` and `problems`, as far as
 *              there are any.
 */
export function describeAnswer(text: string, fallback: string): string {
  const answer = parseAnswer(text);
  const generation = typeof answer.generation === 'number' ? `generation ${answer.generation} is at work` : '';
  const headline = typeof answer.detail === 'string' ? answer.detail : generation;
  const rows = [...list(answer.problems), ...list(answer.warnings)];
  return [headline === '' ? fallback : `${fallback}: ${headline}`, ...rows.map((row) => `  ${describeRow(row)}`)]
    .map(printable)
    .join('\n');
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

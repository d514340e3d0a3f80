import { type Command, InvalidArgumentError } from 'commander';
import {
  type AdminAnswer,
  type AdminClientOptions,
  askAdmin,
  parseAnswer,
  printable,
  TOKEN_REMEDY,
} from './admin-client.ts';
import { EXIT_OK, EXIT_REFUSED } from './exit-codes.ts';

/** What commands about records of a running gateway share: its bans, its revocations. */

/** Nothing here takes long; a page is some 400 KB. Milliseconds. */
export const ORDER_MS_MAX = 10_000;
/** Rows asked for at once. */
const PAGE = 1_000;

export interface Where {
  readonly config?: string;
  readonly url?: string;
}

export interface ListOptions {
  /** Path and member of the list: `bans`. */
  readonly things: string;
  readonly describe: (row: Record<string, unknown>) => string;
  readonly key?: string;
  readonly limit: number;
}

/** Adds the options that say which gateway is meant. */
export function whereOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'its configuration, for the admin address and token')
    .option('-u, --url <url>', 'its admin listener; the default is what the configuration says');
}

export function clientOf({ config, url }: Where): AdminClientOptions {
  return { configFile: config, url, env: process.env };
}

/** @returns Exit code: 0 when the list was printed, even an empty one. */
export async function listRecords(
  client: AdminClientOptions,
  { things, describe, key, limit }: ListOptions,
): Promise<number> {
  let after = '';
  for (let left = limit; left > 0; ) {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, left)) });
    if (key !== undefined) query.set('key', key);
    if (after !== '') query.set('after', after);
    const answer = await askAdmin(client, { method: 'GET', target: `/${things}?${query}`, timeoutMs: ORDER_MS_MAX });
    if ('failure' in answer || !answer.ok) return refused(answer);
    const { [things]: list, total, next } = parseAnswer(answer.text);
    const rows = (Array.isArray(list) ? list : []).filter((row) => typeof row === 'object' && row !== null);
    for (const row of rows) console.log(describe(row));
    left -= rows.length;
    if (typeof next !== 'string' || rows.length === 0) return EXIT_OK;
    after = next;
    if (left <= 0) console.error(`the first ${limit} of ${Number(total)}; --limit shows more`);
  }
  return EXIT_OK;
}

/** Says why an order was not carried out. @returns  The exit code. */
export function refused(answer: AdminAnswer): number {
  if ('failure' in answer) {
    console.error(answer.failure);
    return EXIT_REFUSED;
  }
  const { detail } = parseAnswer(answer.text);
  const words = typeof detail === 'string' ? `: ${detail}` : '';
  console.error(printable(`refused with status ${answer.status}${words}`));
  if (answer.status === 401) console.error(TOKEN_REMEDY);
  return EXIT_REFUSED;
}

export function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}

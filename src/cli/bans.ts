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

/** Nothing here takes long; a page of bans is some 400 KB. Milliseconds. */
const BANS_MS_MAX = 10_000;
/** Rows asked for at once. */
const PAGE = 1_000;

interface Where {
  readonly config?: string;
  readonly url?: string;
}

/** Adds `bans list`, `bans add` and `bans lift` to the program. @param keep  Takes the exit code. */
export function addBansCommand(program: Command, keep: (code: Promise<number>) => Promise<void>): void {
  const bans = program.command('bans').description('see, make and lift the bans of a running gateway');
  const here = (name: string): Command =>
    bans
      .command(name)
      .option('-c, --config <file>', 'its configuration, for the admin address and token')
      .option('-u, --url <url>', 'its admin listener; the default is what the configuration says');
  here('list')
    .description('list running bans, newest first')
    .option('-k, --key <key>', 'only bans of this key')
    .option('-n, --limit <count>', 'at most so many', wholeNumber, 100)
    .action((options: Where & { key?: string; limit: number }) => keep(listBans(clientOf(options), options)));
  here('add')
    .description('ban an address for some time')
    .argument('<address>', 'one IPv4 or IPv6 address')
    .requiredOption('-s, --seconds <seconds>', 'how long', wholeNumber)
    .option('-r, --reason <words>', 'why, for the list and the log', '')
    .option('--rule <name>', 'as if this rule had made it', 'manual')
    .action((value: string, options: Where & { seconds: number; reason: string; rule: string }) => {
      const { seconds, reason, rule } = options;
      return keep(addBan(clientOf(options), { rule, kind: 'address', value, seconds, reason }));
    });
  here('lift')
    .description('end a ban, on every machine that shares it, and forget its strikes')
    .argument('<id>', 'from the list')
    .action((id: string, options: Where) => keep(liftBan(clientOf(options), id)));
}

/** @returns Exit code: 0 when the list was printed, even an empty one. */
export async function listBans(
  client: AdminClientOptions,
  { key, limit }: { readonly key?: string; readonly limit: number },
): Promise<number> {
  let after = '';
  for (let left = limit; left > 0; ) {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, left)) });
    if (key !== undefined) query.set('key', key);
    if (after !== '') query.set('after', after);
    const answer = await askAdmin(client, { method: 'GET', target: `/bans?${query}`, timeoutMs: BANS_MS_MAX });
    if ('failure' in answer || !answer.ok) return refused(answer);
    const { bans, total, next } = parseAnswer(answer.text);
    const rows = (Array.isArray(bans) ? bans : []).filter((row) => typeof row === 'object' && row !== null);
    for (const row of rows) console.log(describeBan(row));
    left -= rows.length;
    if (typeof next !== 'string' || rows.length === 0) return EXIT_OK;
    after = next;
    if (left <= 0) console.error(`the first ${limit} of ${Number(total)}; --limit shows more`);
  }
  return EXIT_OK;
}

/** @returns Exit code: 0 when the ban is in force. */
export async function addBan(client: AdminClientOptions, order: object): Promise<number> {
  const answer = await askAdmin(client, { method: 'POST', target: '/bans', body: order, timeoutMs: BANS_MS_MAX });
  if ('failure' in answer || !answer.ok) return refused(answer);
  console.log(`banned: ${describeBan(parseAnswer(answer.text))}`);
  return EXIT_OK;
}

/** @returns Exit code: 0 when the ban ran and runs no more. */
export async function liftBan(client: AdminClientOptions, id: string): Promise<number> {
  const target = `/bans/${encodeURIComponent(id)}`;
  const answer = await askAdmin(client, { method: 'DELETE', target, timeoutMs: BANS_MS_MAX });
  if ('failure' in answer || !answer.ok) return refused(answer);
  console.log(`lifted: ${describeBan(parseAnswer(answer.text))}`);
  return EXIT_OK;
}

/** One line for a ban: id, key, rule and kind, end, strikes, node, reason. */
function describeBan(ban: Record<string, unknown>): string {
  const words = [ban.id, ban.value, `${ban.rule}/${ban.kind}`, `until ${ban.until}`, `strike ${ban.strikes}`, ban.node];
  const reason = ban.reason === '' ? [] : [`(${ban.reason})`];
  return printable([...words, ...reason].join('  '));
}

function refused(answer: AdminAnswer): number {
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

function clientOf({ config, url }: Where): AdminClientOptions {
  return { configFile: config, url, env: process.env };
}

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}

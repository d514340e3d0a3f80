import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import {
  type AdminAnswer,
  type AdminClientOptions,
  type AdminRequest,
  askAdmin,
  parseAnswer,
  printable,
  printableJson,
} from './admin-client.ts';
import { EXIT_OK, EXIT_REFUSED, EXIT_USAGE } from './exit-codes.ts';
import { clientOf, refused, type Where as WhichGateway, whereOptions, wholeNumber } from './records.ts';

/** Redis may take its time. */
const KEYS_MS_MAX = 15_000;
/** Rows asked for at once. */
const PAGE = 1_000;
/** Longer than any key, with the end of its line. */
const KEY_LENGTH_MAX = 256;
const SHOWN_ONCE = 'this is the only time that the key is shown: keep it where secrets are kept';
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

interface Where extends WhichGateway {
  readonly json?: true;
}

interface Terms {
  readonly name: string;
  readonly owner: string;
  readonly scope: string[];
  readonly rateLimit: string;
  readonly cidr: string[];
  readonly origin: string[];
  readonly route: string[];
  readonly notBefore?: string;
  readonly expires?: string;
}

/** Adds `keys create`, `list`, `show` and the others to the program. @param keep  Takes the exit code. */
export function addKeysCommand(program: Command, keep: (code: Promise<number>) => Promise<void>): void {
  const keys = program.command('keys').description('make, see and change the API keys of a running gateway');
  const here = (name: string): Command =>
    whereOptions(keys.command(name)).option('--json', 'print what the gateway answers, as JSON');
  const several = (text: string, before: string[]): string[] => [...before, text];
  here('create')
    .description('make a key; it is shown this once')
    .requiredOption('-n, --name <words>', 'what it is for')
    .requiredOption('-o, --owner <words>', 'whose it is')
    .option('-s, --scope <scope>', 'a scope that it has; may be repeated', several, [])
    .option('--rate-limit <name>', 'a rate limit of the configuration that it brings', '')
    .option('--cidr <range>', 'an address or range that it may come from; may be repeated', several, [])
    .option('--origin <origin>', 'an Origin that it may come with; may be repeated', several, [])
    .option('--route <name>', 'a route that it opens; may be repeated', several, [])
    .option('--not-before <time>', 'when it begins to work, such as 2030-01-31T00:00:00Z', time)
    .option('-e, --expires <time>', 'when it ends: a time, or from now, such as 90d, 12h, 30m', time)
    .action((options: Where & Terms) => keep(createKey(clientOf(options), options)));
  here('list')
    .description('list keys, oldest first')
    .option('-o, --owner <words>', 'only keys of this owner')
    .option('-n, --limit <count>', 'at most so many', wholeNumber, 100)
    .action((options: Where & { owner?: string; limit: number }) => keep(listKeys(clientOf(options), options)));
  here('show')
    .description('show all that is known of a key')
    .argument('<id>', 'from the list')
    .action((id: string, options: Where) => keep(ofId(id, () => showKey(clientOf(options), pathOf(id), options))));
  here('rotate')
    .description('give a key a new secret; it is shown this once')
    .argument('<id>', 'from the list')
    .requiredOption(
      '-g, --grace <duration>',
      'how long the former secret goes on working, such as 7d, 1h or 0s',
      duration,
    )
    .action((id: string, options: Where & { grace: number }) =>
      keep(ofId(id, () => rotateKey(clientOf(options), id, options.grace, options))),
    );
  const changes = {
    revoke: 'end a key for ever',
    enable: 'make a disabled key work again',
    disable: 'stop a key for a while',
  };
  for (const [name, words] of Object.entries(changes)) {
    here(name)
      .description(words)
      .argument('<id>', 'from the list')
      .action((id: string, options: Where) => keep(ofId(id, () => changeKey(clientOf(options), id, name, options))));
  }
  here('verify')
    .description('say whose key it is; it is read from standard input or a file, so that no process list shows it')
    .argument('[file]', 'file that holds the key alone; - or nothing for standard input', '-')
    .action((file: string, options: Where) => keep(verifyKey(clientOf(options), file, options)));
}

/** @returns Exit code: 0 when the key is there. */
export async function createKey(client: AdminClientOptions, terms: Terms & Where): Promise<number> {
  const body = {
    name: terms.name,
    owner: terms.owner,
    scopes: terms.scope,
    rateLimit: terms.rateLimit,
    cidrs: terms.cidr,
    origins: terms.origin,
    routes: terms.route,
    notBefore: terms.notBefore ?? null,
    expires: terms.expires ?? null,
  };
  return tellSecret(await ask(client, { method: 'POST', target: '/keys', body }), terms);
}

/** @returns Exit code: 0 when the list was printed, even an empty one. */
export async function listKeys(
  client: AdminClientOptions,
  { owner, limit, json }: { readonly owner?: string; readonly limit: number; readonly json?: true },
): Promise<number> {
  let after = '';
  for (let left = limit; left > 0; ) {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, left)) });
    if (owner !== undefined) query.set('owner', owner);
    if (after !== '') query.set('after', after);
    const answer = await ask(client, { method: 'GET', target: `/keys?${query}` });
    if ('failure' in answer || !answer.ok) return refused(answer);
    const { keys, total, next } = parseAnswer(answer.text);
    const rows = (Array.isArray(keys) ? keys : []).filter((row) => typeof row === 'object' && row !== null);
    for (const row of rows) console.log(json ? printableJson(row) : describeKey(row));
    left -= rows.length;
    if (typeof next !== 'string' || rows.length === 0) return EXIT_OK;
    after = next;
    if (left <= 0) console.error(`the first ${limit} of ${Number(total)}; --limit shows more`);
  }
  return EXIT_OK;
}

/** @returns Exit code: 0 when there is such a key. */
export async function showKey(client: AdminClientOptions, target: string, where: Where): Promise<number> {
  return tell(await ask(client, { method: 'GET', target }), where);
}

/** @returns Exit code: 0 when the key has a new secret. */
export async function rotateKey(client: AdminClientOptions, id: string, grace: number, where: Where): Promise<number> {
  const body = { graceSeconds: grace };
  return tellSecret(await ask(client, { method: 'POST', target: `${pathOf(id)}/rotate`, body }), where);
}

/** @param action  Last part of the path. @returns Exit code: 0 when the key is as it should be. */
export async function changeKey(client: AdminClientOptions, id: string, action: string, where: Where): Promise<number> {
  return tell(await ask(client, { method: 'POST', target: `${pathOf(id)}/${action}` }), where);
}

/** @param file  - for standard input. @returns Exit code: 0 for a key that the gateway knows, whatever its state. */
export async function verifyKey(client: AdminClientOptions, file: string, where: Where): Promise<number> {
  if (isKeyItself(file, 'give a file, or -')) return EXIT_USAGE;
  let key: string;
  try {
    key = (file === '-' ? await standardInput() : await readFile(file, 'utf8')).trim();
  } catch (error) {
    console.error(
      printable(`the key cannot be read from ${file === '-' ? 'standard input' : file}: ${wordsOf(error)}`),
    );
    return EXIT_REFUSED;
  }
  if (key === '' || key.length > KEY_LENGTH_MAX) {
    console.error('there is no API key in it, or more than one');
    return EXIT_REFUSED;
  }
  return tell(await ask(client, { method: 'POST', target: '/keys/verify', body: { key } }), where);
}

/** @param ask  Is not called for a key in the place of its id: keys belong in no URL. */
export async function ofId(id: string, ask: () => Promise<number>): Promise<number> {
  return isKeyItself(id, 'give its id, which `keys verify` tells') ? EXIT_USAGE : ask();
}

function isKeyItself(text: string, remedy: string): boolean {
  if (!text.startsWith('sp_')) return false;
  console.error(`the key itself does not belong here, where every process list shows it: ${remedy}`);
  return true;
}

/** No more than could be a key. */
async function standardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > KEY_LENGTH_MAX) break;
  }
  return text;
}

function ask(client: AdminClientOptions, request: Omit<AdminRequest, 'timeoutMs'>): Promise<AdminAnswer> {
  return askAdmin(client, { ...request, timeoutMs: KEYS_MS_MAX });
}

/** The key alone on standard output, so that it can be piped to where it belongs. */
function tellSecret(answer: AdminAnswer, { json }: Where): number {
  if ('failure' in answer || !answer.ok) return refused(answer);
  const view = parseAnswer(answer.text);
  console.log(json ? printableJson(view) : printable(String(view.key)));
  if (!json) console.error(describeKey(view));
  console.error(SHOWN_ONCE);
  return EXIT_OK;
}

function tell(answer: AdminAnswer, { json }: Where): number {
  if ('failure' in answer || !answer.ok) return refused(answer);
  const view = parseAnswer(answer.text);
  console.log(json ? printableJson(view) : describeKey(view));
  return EXIT_OK;
}

/** One line for a key: id, state, name, owner, then what it is bound to. */
function describeKey(view: Record<string, unknown>): string {
  const lists = (['scopes', 'cidrs', 'origins', 'routes'] as const).flatMap((name) => {
    const words = view[name];
    return Array.isArray(words) && words.length > 0 ? [`${name} ${words.join(',')}`] : [];
  });
  const times = [
    ['from', view.notBefore],
    ['until', view.expires],
    ['former secret until', view.formerSecretUntil],
  ].flatMap(([word, value]) => (typeof value === 'string' ? [`${word} ${value}`] : []));
  const limit = typeof view.rateLimit === 'string' && view.rateLimit !== '' ? [`rate limit ${view.rateLimit}`] : [];
  return printable([view.id, view.state, view.name, `owner ${view.owner}`, ...lists, ...limit, ...times].join('  '));
}

function pathOf(id: string): string {
  return `/keys/${encodeURIComponent(id)}`;
}

/** @returns  Seconds. */
function duration(text: string): number {
  const ms = durationMs(text);
  if (ms === null) throw new InvalidArgumentError('It must be a number with s, m, h or d behind it, such as 7d.');
  return ms / 1_000;
}

/** @returns  The time as the admin listener takes it. */
function time(text: string): string {
  const ms = durationMs(text) ?? Number.NaN;
  if (ms > 0) return new Date(Date.now() + ms).toISOString();
  if (/^\d{4}-\d\d-\d\dT/.test(text) && Number.isFinite(Date.parse(text))) return text;
  throw new InvalidArgumentError('It must be a time such as 2030-01-31T00:00:00Z, or a while from now such as 90d.');
}

function durationMs(text: string): number | null {
  const [, number = '', unit = ''] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  return number === '' ? null : Number(number) * (UNIT_MS[unit] ?? 0);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

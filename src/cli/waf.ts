import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { AskedRequest, RequestFlags } from '../tuning/asked-request.ts';
import { type AdminClientOptions, askAdmin, parseAnswer, printable } from './admin-client.ts';
import { EXIT_OK } from './exit-codes.ts';
import { addInstallCommand } from './install-crs/command.ts';
import { clientOf, ORDER_MS_MAX, refused, type Where, whereOptions, wholeNumber } from './records.ts';
import { addTuningCommands } from './waf-tuning.ts';

interface TestFlags extends RequestFlags {
  readonly config?: string;
  readonly route?: string;
  readonly file?: string;
  readonly har?: string;
  readonly entry: number;
  readonly client: string;
}

/** Adds `waf` and what is behind it to the program. @param keep  Takes the exit code. */
export function addWafCommand(program: Command, keep: (code: Promise<number>) => Promise<void>): void {
  const waf = program.command('waf').description('see what the firewall makes of requests, tune it, install rules');
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  waf
    .command('test')
    .description('run one request through the rules of a route: every rule that holds, scores, verdict')
    .option('-c, --config <file>', 'configuration; the default is SALLYPORT_CONFIG')
    .option('--route <name>', 'route; the default is the one that takes the request')
    .option('-f, --file <file>', 'the request as it is sent, byte for byte; - for standard input')
    .option('--har <file>', 'an HTTP archive')
    .option('--entry <index>', 'which request of the archive, from 0', wholeNumber, 0)
    .option('-X, --method <method>', 'method; the default is GET, or POST with data')
    .option('-u, --url <url>', 'URL, or path with query; sent as it is written')
    .option('-H, --header <field>', 'Name: value; may be given several times', collect, [])
    .option('-d, --data <text>', 'body; @FILE for that of a file')
    .option('--client <address>', 'address of the client', '192.0.2.1')
    .action((flags: TestFlags) => keep(run(flags)));
  whereOptions(waf.command('patches'))
    .description('list the virtual patches that are live in a running gateway')
    .action((where: Where) => keep(listPatches(clientOf(where))));
  addTuningCommands(waf, keep);
  addInstallCommand(waf, keep);
}

/** @returns Exit code: 0 when the request would go on, 1 when it would be blocked. */
async function run(flags: TestFlags): Promise<number> {
  // Loaded here, so that the other commands start without the native parts.
  const { testRequest } = await import('./waf-test.ts');
  const { config } = loadConfig({ file: flags.config, env: process.env, cwd: process.cwd() });
  const { route, client } = flags;
  const asked = { request: await requestOf(flags), route, client };
  return testRequest(config, asked, (text) => process.stdout.write(text));
}

/** @returns Exit code: 0 when the list was printed, even an empty one. */
async function listPatches(client: AdminClientOptions): Promise<number> {
  const answer = await askAdmin(client, { method: 'GET', target: '/waf/patches', timeoutMs: ORDER_MS_MAX });
  if ('failure' in answer || !answer.ok) return refused(answer);
  const { patches, refusal } = parseAnswer(answer.text);
  for (const row of Array.isArray(patches) ? patches : []) console.log(describePatch(row));
  if (typeof refusal === 'string') {
    console.error('the folder as it is now is refused, and these patches stay:');
    for (const line of refusal.split('\n')) console.error(printable(line));
  }
  return EXIT_OK;
}

/** One line: file, ids, since when, until when. */
function describePatch(row: Record<string, unknown>): string {
  const ids = Array.isArray(row.ids) ? row.ids.join(',') : '';
  const end = row.expires === null ? 'never expires' : `expires ${row.expires}`;
  return printable([row.file, `rules ${ids}`, `since ${row.since}`, end].join('  '));
}

async function requestOf(flags: TestFlags): Promise<AskedRequest> {
  const { requestOfArchive, requestOfBytes, requestOfFlags } = await import('../tuning/asked-request.ts');
  if (flags.har !== undefined) return requestOfArchive(readFileSync(flags.har, 'utf8'), flags.entry);
  // 0 is the descriptor of standard input.
  if (flags.file !== undefined) return requestOfBytes(readFileSync(flags.file === '-' ? 0 : flags.file));
  return requestOfFlags(flags);
}

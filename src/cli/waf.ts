import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { AskedRequest, RequestFlags } from '../tuning/asked-request.ts';
import { EXIT_OK } from './exit-codes.ts';
import { wholeNumber } from './records.ts';

interface TestFlags extends RequestFlags {
  readonly config?: string;
  readonly route?: string;
  readonly file?: string;
  readonly har?: string;
  readonly entry: number;
  readonly client: string;
}

interface InstallFlags {
  readonly version?: string;
  readonly into: string;
  readonly sha256?: string;
  readonly from?: string;
  readonly replace?: true;
}

/** Adds `waf test` and `waf install-crs` to the program. @param keep  Takes the exit code. */
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
  addInstallCommand(waf, keep);
  addTuningCommands(waf, keep);
}

function addInstallCommand(waf: Command, keep: (code: Promise<number>) => Promise<void>): void {
  waf
    .command('install-crs')
    .description('install a release of the OWASP Core Rule Set, or take one from a folder')
    .requiredOption('--into <folder>', 'where it shall be')
    .option('--version <version>', 'release, such as 4.29.0; what is installed must say so itself', release)
    .option('--sha256 <hex>', 'checksum of the archive; nothing is fetched without', checksum)
    .option('--from <source>', "https:// URL, .tar.gz or folder; the default is the project's minimal archive")
    .option('--replace', 'take the place of another rule set; that one is kept beside it')
    .action((flags: InstallFlags) => keep(install(flags)));
}

function release(text: string): string {
  if (/^\d{1,4}\.\d{1,4}\.\d{1,4}(-[a-z0-9.]{1,16})?$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a release, such as 4.29.0.');
}

function checksum(text: string): string {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be 64 hexadecimal digits.');
}

/** @returns Exit code: 0 when the rule set is in its place. */
async function install(flags: InstallFlags): Promise<number> {
  // Loaded here, so that the other commands start without the native parts.
  const { installCrs } = await import('./install-crs/install.ts');
  const { version, into, sha256, from, replace = false } = flags;
  const place = { version, into, sha256, from, replace, cwd: process.cwd() };
  await installCrs({ ...place, env: process.env, nowMs: Date.now() }, (text) => process.stdout.write(text));
  return EXIT_OK;
}

/** Each is loaded when it is called, so that the other commands start without the native parts. */
function addTuningCommands(waf: Command, keep: (code: Promise<number>) => Promise<void>): void {
  const ids = (value: string, before: readonly number[]): readonly number[] => [...before, wholeNumber(value)];
  const files = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  const out = (text: string): boolean => process.stdout.write(text);
  const tell = (text: string): boolean => process.stderr.write(text);
  const here = { env: process.env, cwd: process.cwd() };
  waf
    .command('exclude')
    .description('write the smallest exclusions that let a request of an audit log pass')
    .argument('<log>', 'audit log, in JSON or the serial format; - for standard input')
    .argument('[id]', 'request id; not needed where the log has one entry')
    .option('-c, --config <file>', 'configuration; the default is SALLYPORT_CONFIG')
    .option('--rule <id>', 'leave this rule out, whatever the verdict; may be given several times', ids, [])
    .addOption(
      new Option('--seclang [form]', 'SecLang instead of YAML: directives for all routes, or a rule for this path')
        .choices(['update', 'ctl'])
        .preset('update'),
    )
    .option('--id <id>', 'id of the rule of --seclang ctl', wholeNumber, 10_000)
    .action((log: string, id: string | undefined, { config, rule, seclang, id: own }: ExcludeFlags) => {
      const options = { config, rules: rule, form: seclang ?? 'yaml', id: own, ...here } as const;
      return keep(import('./waf-exclude.ts').then(({ runExclude }) => runExclude(log, id, options, out, tell)));
    });
  waf
    .command('tune')
    .description('propose exclusions for the false alarms of honest traffic, none of which lets an attack through')
    .argument('<log...>', 'audit logs, JSON lines or HTTP archives of honest requests; - for standard input')
    .option('-c, --config <file>', 'configuration; the default is SALLYPORT_CONFIG')
    .option('--attacks <file>', 'recorded attacks, in any of these forms; may be given several times', files, [])
    .option('--whole-rules', 'rules may be left out as a whole')
    .addOption(new Option('--yaml', 'only what is to be pasted').conflicts('json'))
    .option('--json', 'everything, as JSON')
    .action((logs: readonly string[], { config, attacks, wholeRules = false, yaml, json }: TuneFlags) => {
      const form = json === true ? 'json' : yaml === true ? 'yaml' : 'text';
      const options = { config, attacks, wholeRules, form, ...here } as const;
      return keep(import('./waf-tune.ts').then(({ runTune }) => runTune(logs, options, out)));
    });
  waf
    .command('replay')
    .description('judge recorded requests by new rules; exit code 1 where some are newly blocked')
    .argument('<records...>', 'audit logs, JSON lines or HTTP archives; - for standard input')
    .option('-c, --config <file>', 'configuration with the new rules; the default is SALLYPORT_CONFIG')
    .option('--against <file>', 'configuration of before; the default is what the records tell')
    .option('--allow <count>', 'so many may be newly blocked', count, 0)
    .option('--limit <count>', 'changes of each kind that are listed', count, 50)
    .option('--json', 'everything, as JSON')
    .action((records: readonly string[], { config, against, allow, limit, json = false }: ReplayFlags) => {
      const options = { config, against, allow, limit, json, ...here };
      return keep(import('./waf-replay.ts').then(({ runReplay }) => runReplay(records, options, out)));
    });
}

interface ExcludeFlags {
  readonly config?: string;
  readonly rule: readonly number[];
  readonly seclang?: 'update' | 'ctl';
  readonly id: number;
}

interface TuneFlags {
  readonly config?: string;
  readonly attacks: readonly string[];
  readonly wholeRules?: boolean;
  readonly yaml?: boolean;
  readonly json?: boolean;
}

interface ReplayFlags {
  readonly config?: string;
  readonly against?: string;
  readonly allow: number;
  readonly limit: number;
  readonly json?: boolean;
}

function count(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 0 on.');
  return Number(text);
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

async function requestOf(flags: TestFlags): Promise<AskedRequest> {
  const { requestOfArchive, requestOfBytes, requestOfFlags } = await import('../tuning/asked-request.ts');
  if (flags.har !== undefined) return requestOfArchive(readFileSync(flags.har, 'utf8'), flags.entry);
  // 0 is the descriptor of standard input.
  if (flags.file !== undefined) return requestOfBytes(readFileSync(flags.file === '-' ? 0 : flags.file));
  return requestOfFlags(flags);
}

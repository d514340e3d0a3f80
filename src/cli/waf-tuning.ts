import { type Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from './records.ts';

/** Adds `waf exclude`, `waf tune` and `waf replay`. Each is loaded when it is called, to start without native parts. */
export function addTuningCommands(waf: Command, keep: (code: Promise<number>) => Promise<void>): void {
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

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { addBansCommand } from './bans.ts';
import { runCheck } from './check.ts';
import { EXIT_OK, EXIT_REFUSED, EXIT_USAGE } from './exit-codes.ts';
import { describeFailure } from './failure.ts';
import { addKeysCommand } from './keys.ts';
import { reload } from './reload.ts';
import { addRevocationCommands } from './revocations.ts';
import { serve } from './serve.ts';
import { versionLine } from './version.ts';
import { addWafCommand } from './waf.ts';

/**
 * The `sallyport` command.
 *
 * @param argv  Arguments after the program's name; none means `serve`.
 * @returns Exit code: 0 done, 1 refused or failed, 2 called wrongly. The caller ends the process with it.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = EXIT_OK;
  const keep = async (code: number | Promise<number>): Promise<void> => {
    exitCode = await code;
  };
  const program = new Command('sallyport')
    .description('An API security gateway: authenticates, limits, inspects and forwards.')
    .showHelpAfterError('(sallyport --help lists the commands)')
    .exitOverride();

  program
    .command('serve')
    .description('run the gateway until a signal stops it: SIGHUP reloads, SIGTERM and SIGINT drain (default)')
    .option('-c, --config <file>', 'configuration; the default is SALLYPORT_CONFIG')
    .action((options: { config?: string }) => keep(serve({ configFile: options.config, env: process.env })));
  program
    .command('check')
    .description('say everything that is wrong with a configuration, without running it')
    .argument('[file]', 'configuration; the default is SALLYPORT_CONFIG')
    .action((file: string | undefined) => keep(check(file)));
  program
    .command('reload')
    .description('make a running gateway read its configuration again')
    .option(
      '-c, --config <file>',
      'its configuration, for the admin address and token; the default is SALLYPORT_CONFIG',
    )
    .option('-u, --url <url>', 'its admin listener; the default is what the configuration says')
    .action((options: { config?: string; url?: string }) =>
      keep(reload({ configFile: options.config, url: options.url, env: process.env })),
    );
  addBansCommand(program, keep);
  addKeysCommand(program, keep);
  addRevocationCommands(program, keep);
  addWafCommand(program, keep);
  program
    .command('version')
    .description('print the version')
    .action(() => console.log(versionLine()));

  try {
    await program.parseAsync(withCommand(argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own words by now; help asked for is no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    process.stderr.write(describeFailure(error));
    return EXIT_REFUSED;
  }
}

/** The rules of the firewall last: they need the native parts, which a broken configuration does without. */
async function check(file: string | undefined): Promise<number> {
  const code = runCheck(file, { env: process.env, out: (text) => process.stdout.write(text) });
  if (code !== EXIT_OK) return code;
  const { checkRules } = await import('./check-rules.ts');
  return checkRules(file, process.env, (text) => process.stdout.write(text));
}

/** `serve` where no command is named, so that a misspelt one is told from an argument. */
function withCommand(argv: readonly string[]): string[] {
  const [first] = argv;
  const named = first !== undefined && (!first.startsWith('-') || first === '-h' || first === '--help');
  return named ? [...argv] : ['serve', ...argv];
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const exitCode = await main(process.argv.slice(2));
  // A long list may still be on its way into a pipe.
  await new Promise((resolve) => process.stdout.write('', resolve));
  process.exit(exitCode);
}

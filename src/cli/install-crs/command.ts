import { type Command, InvalidArgumentError } from 'commander';
import { EXIT_OK } from '../exit-codes.ts';

interface InstallFlags {
  readonly version?: string;
  readonly into: string;
  readonly sha256?: string;
  readonly from?: string;
  readonly replace?: true;
}

/** Adds `waf install-crs`. @param keep  Takes the exit code. */
export function addInstallCommand(waf: Command, keep: (code: Promise<number>) => Promise<void>): void {
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
  const { installCrs } = await import('./install.ts');
  const { version, into, sha256, from, replace = false } = flags;
  const place = { version, into, sha256, from, replace, cwd: process.cwd() };
  await installCrs({ ...place, env: process.env, nowMs: Date.now() }, (text) => process.stdout.write(text));
  return EXIT_OK;
}

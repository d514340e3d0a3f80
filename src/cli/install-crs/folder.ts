import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CRS_FILES_MAX, CRS_UNPACKED_BYTES_MAX } from '../../limits.ts';
import { refusal } from './refusal.ts';
import type { ReleaseFile } from './release.ts';

/** From /usr/share/modsecurity-crs to where Debian keeps what operators may change. */
const DEBIAN_SETTINGS = '../../../etc/modsecurity/crs';
/** What is below `rules/` in a release, and read first and last. */
const DEBIAN_RULES = ['REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf', 'RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf'];

/**
 * Reads an unpacked rule set, or Debian's package of one, whose settings are in another folder.
 *
 * @throws  SallyportError SP_RULE_SET_INSTALL where there is too much, or something cannot be read.
 */
export function filesOfFolder(folder: string): readonly ReleaseFile[] {
  try {
    const paths = ['', 'rules', 'plugins'].flatMap((below) => plainFiles(folder, below));
    const settings = resolve(folder, DEBIAN_SETTINGS);
    const isDebian = !paths.some((path) => path.startsWith('crs-setup.conf')) && existsSync(join(settings, SETUP));
    const own = isDebian ? debianFiles(settings) : [];
    const taken = new Set(own.map(({ path }) => path));
    const all = [
      ...paths.filter((path) => !taken.has(path)).map((path) => ({ path, from: join(folder, path) })),
      ...own,
    ];
    const bytes = all.reduce((sum, { from }) => sum + statSync(from).size, 0);
    if (all.length > CRS_FILES_MAX || bytes > CRS_UNPACKED_BYTES_MAX) {
      throw refusal(`${folder} has ${all.length} files of ${bytes} bytes: this is no Core Rule Set`);
    }
    return all.map(({ path, from }) => ({ path, bytes: readFileSync(from) }));
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw refusal(`${folder} cannot be read`, error);
    throw error;
  }
}

const SETUP = 'crs-setup.conf';

function debianFiles(settings: string): readonly { readonly path: string; readonly from: string }[] {
  return [
    { path: SETUP, from: join(settings, SETUP) },
    ...DEBIAN_RULES.map((name) => ({ path: `rules/${name}`, from: join(settings, name) })),
  ].filter(({ from }) => existsSync(from));
}

/** Links are followed: the folder is the operator's own. */
export function plainFiles(folder: string, below: string): readonly string[] {
  const whole = join(folder, below);
  if (!existsSync(whole)) return [];
  return readdirSync(whole)
    .filter((name) => statSync(join(whole, name), { throwIfNoEntry: false })?.isFile() === true)
    .map((name) => (below === '' ? name : `${below}/${name}`))
    .toSorted();
}

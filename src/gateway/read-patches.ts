import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteText } from '../base/byte-text.ts';
import type { Config } from '../config/schema.ts';
import { WAF_PATCH_BYTES_MAX, WAF_PATCH_FILES_MAX } from '../limits.ts';
import type { WafPatches } from '../pipeline/waf-patches.ts';
import { lonelyCollections, openRules, refusalOfRules, type WafRules } from '../pipeline/waf-rules.ts';
import type { RuleSet } from '../waf/engine.ts';
import type { WafProfile } from '../waf/inspection.ts';
import { expiryOf } from '../waf/patch-expiry.ts';
import { Problems } from '../waf/seclang/problems.ts';
import { SecLangError } from '../waf/seclang/reason.ts';
import { diskRuleFiles, recordRuleFiles } from '../waf/seclang/rule-files.ts';
import type { Place, RuleFiles } from '../waf/seclang/syntax.ts';

/** What patches are tried with: profiles, and ids that are taken. */
export type PatchGround = Pick<WafRules, 'profiles' | 'ids'>;

/** A file of patches. */
export interface PatchFile {
  readonly path: string;
  /** In the order of the file. Empty for one that has expired: nobody reads its rules. */
  readonly ids: readonly number[];
  /** Milliseconds since the epoch; null for never. */
  readonly expiresAtMs: number | null;
  /** The same for the same text. */
  readonly digest: string;
}

/** A folder of patches as it was read. */
export interface ReadPatches {
  /** What threads get; null where no patch is live. */
  readonly patches: WafPatches | null;
  readonly live: readonly PatchFile[];
  /** Files that are there, and whose time has passed. */
  readonly expired: readonly PatchFile[];
  /** Everything that was read. */
  readonly paths: readonly string[];
}

export const NO_PATCHES: ReadPatches = Object.freeze({ patches: null, live: [], expired: [], paths: [] });

/**
 * Reads the folder of virtual patches, and compiles each file by itself for every profile of the routes, so that any of
 * them may go without the others, and no thread gets what does not compile.
 *
 * @param rules   Those before which they run: their ids are taken.
 * @param number  Of `WafPatches`.
 * @throws  SallyportError SP_CONFIG with everything that is wrong: then none of it may be used.
 *
 * Threads: main; reads files synchronously.
 */
export function readPatches({ waf }: Config, rules: PatchGround, number: number, nowMs: number): ReadPatches {
  const { files, recorded } = recordRuleFiles(diskRuleFiles());
  const reader = new PatchReader(files, rules, openRules(files, NO_ENTRIES, waf, lonelyCollections()));
  try {
    const paths = confFilesOf(waf.patches);
    for (const path of paths) reader.read(path, waf.patchesExpire === 'required', nowMs);
    const bytes = [...recorded.texts.values()].reduce((sum, text) => sum + text.length, 0);
    if (bytes > WAF_PATCH_BYTES_MAX) {
      throw folderFault(
        waf.patches,
        `patches and their data have more than ${WAF_PATCH_BYTES_MAX} bytes: use waf.rules`,
      );
    }
    if (reader.problems.list.length > 0) throw new SecLangError(reader.problems.list);
  } catch (error) {
    throw refusalOfRules(error, 'the patches of waf.patches');
  }
  const { live, expired } = reader;
  const patches = patchesOf(live, recorded, number);
  return { patches, live, expired, paths: [...recorded.texts.keys()] };
}

/** What stays when the time of some has passed. Nothing is read: files may be different by now. */
export function withoutExpired(read: ReadPatches, number: number, nowMs: number): ReadPatches {
  if (read.patches === null) return read;
  const live = read.live.filter((file) => !hasExpired(file, nowMs));
  if (live.length === read.live.length) return read;
  const expired = [...read.expired, ...read.live.filter((file) => hasExpired(file, nowMs))];
  return { ...read, patches: patchesOf(live, read.patches.recorded, number), live, expired };
}

const NO_ENTRIES = { setup: [], rules: [] };
/** No time at which a patch ends. */
const NEVER = Number.POSITIVE_INFINITY;

const hasExpired = ({ expiresAtMs }: PatchFile, nowMs: number): boolean => (expiresAtMs ?? NEVER) <= nowMs;

class PatchReader {
  readonly live: PatchFile[] = [];
  readonly expired: PatchFile[] = [];
  readonly problems = new Problems();
  readonly #files: RuleFiles;
  readonly #profiles: readonly WafProfile[];
  readonly #rules: RuleSet;
  readonly #taken: Map<number, Place>;

  /** @param opened  Without rules: patches are tried before nothing. */
  constructor(files: RuleFiles, { profiles, ids }: PatchGround, opened: RuleSet) {
    this.#files = files;
    this.#profiles = profiles.map((text) => JSON.parse(text) as WafProfile).filter(({ mode }) => mode !== 'off');
    this.#rules = opened;
    this.#taken = new Map(ids);
  }

  read(path: string, mustExpire: boolean, nowMs: number): void {
    const text = this.problems.attempt({ file: path, line: 1 }, null, () => this.#files.read(path));
    if (text === null) return;
    try {
      const expiresAtMs = expiryOf(text, path, mustExpire);
      const file: PatchFile = { path, ids: [], expiresAtMs, digest: digestOf([text]) };
      if (hasExpired(file, nowMs)) this.expired.push(file);
      else this.live.push({ ...file, ids: this.#compile(path) });
    } catch (error) {
      if (!(error instanceof SecLangError)) throw error;
      for (const { place, ruleId, message } of error.problems) this.problems.add(place, ruleId, message);
    }
  }

  #compile(path: string): readonly number[] {
    const patch = this.#rules.openPatch(this.#files, path);
    for (const profile of this.#profiles) patch.compile(profile);
    for (const [id, place] of patch.ids) {
      const other = this.#taken.get(id);
      if (other === undefined) this.#taken.set(id, place);
      else this.problems.add(place, id, `id ${id} is that of the rule at ${other.file}:${other.line}: take another`);
    }
    return [...patch.ids.keys()];
  }
}

/** Sorted by name. Those that begin with a dot are no patches yet, or none of ours. */
function confFilesOf(folder: string): readonly string[] {
  const names = namesIn(folder)
    .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
    .sort();
  if (names.length > WAF_PATCH_FILES_MAX) throw folderFault(folder, `has more than ${WAF_PATCH_FILES_MAX} patches`);
  return names.map((name) => join(folder, name));
}

/** A folder that is gone is no empty one. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw folderFault(folder, `the folder cannot be read: ${(error as Error).message}`);
  }
}

const folderFault = (folder: string, message: string): SecLangError =>
  new SecLangError([{ place: { file: folder, line: 0 }, ruleId: null, message }]);

function patchesOf(live: readonly PatchFile[], recorded: WafPatches['recorded'], number: number): WafPatches | null {
  if (live.length === 0) return null;
  const paths = live.map(({ path }) => path);
  const digest = digestOf([...paths, ...[...recorded.texts].flat()]);
  return { number, digest, paths, recorded };
}

function digestOf(texts: readonly ByteText[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length} `).update(text, 'latin1');
  return hash.digest('hex');
}

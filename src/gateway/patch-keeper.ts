import type { Config } from '../config/schema.ts';
import type { PatchRow, WafPatches } from '../pipeline/waf-patches.ts';
import type { WafRules } from '../pipeline/waf-rules.ts';
import type { RecordLog } from '../records/record-log.ts';
import { FolderWatch } from './folder-watch.ts';
import { NO_PATCHES, type PatchFile, type ReadPatches, readPatches, withoutExpired } from './read-patches.ts';

export interface PatchKeeperOptions {
  readonly log: () => RecordLog;
  /** Runs a change when no other one, and no reload, is under way. */
  readonly inTurn: (change: () => Promise<void>) => Promise<void>;
  /** Gives patches to every thread; null for none. Rejects when one could not use them: all have those of before. */
  readonly give: (patches: WafPatches | null) => Promise<void>;
  /** Wall clock, milliseconds; Date.now when absent. */
  readonly nowMs?: () => number;
  /** Wait before a change is tried again that a thread could not follow, milliseconds; 5,000 when absent. */
  readonly retryMs?: number;
}

/** The rules that patches run before, and where those are. */
interface Ground {
  readonly config: Config;
  readonly rules: WafRules;
}

/** The clock may be set: no wait for an end is longer. */
const EXPIRY_LOOK_MS_MAX = 60_000;
/** After a thread could not follow: it may have been busy. */
const RETRY_MS = 5_000;

/**
 * Keeps the virtual patches: reads their folder at boot and reload, watches it, gives changes to the threads, lifts
 * patches whose time has passed. A folder is taken as a whole: while anything in it is wrong, those of before stay.
 *
 * Threads: main only.
 */
export class PatchKeeper {
  readonly #options: PatchKeeperOptions;
  readonly #nowMs: () => number;
  #number = 0;
  #ground: Ground | null = null;
  #read: ReadPatches = NO_PATCHES;
  /** What `plan` read last: in force when the configuration is. */
  #planned: ReadPatches = NO_PATCHES;
  /** Path -> digest of the text, and since when it is live, milliseconds since the epoch. */
  #since = new Map<string, { readonly digest: string; readonly atMs: number }>();
  #refusal: string | null = null;
  #watch: FolderWatch | null = null;
  #expiry: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  /** Changes of the folder that were refused, files whose time passed. */
  refused = 0;
  expired = 0;

  constructor(options: PatchKeeperOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** How many files are live. */
  get live(): number {
    return this.#read.live.length;
  }

  /** Why the folder as it is now is not in force; null where it is. */
  get refusal(): string | null {
    return this.#refusal;
  }

  rows(): readonly PatchRow[] {
    return this.#read.live.map(({ path, ids, expiresAtMs }) => ({
      file: path,
      ids,
      since: timeText(this.#since.get(path)?.atMs ?? 0),
      expires: expiresAtMs === null ? null : timeText(expiresAtMs),
    }));
  }

  /**
   * Reads the patches of a configuration; nothing changes yet.
   *
   * @param rules  Of the same configuration; null where no route wants any.
   * @throws  SallyportError SP_CONFIG with everything that is wrong.
   */
  plan(config: Config, rules: WafRules | null): WafPatches | null {
    this.#planned = NO_PATCHES;
    if (rules === null || config.waf.patches === '') return null;
    this.#planned = this.#readNow({ config, rules });
    return this.#planned.patches;
  }

  /** The configuration that was planned last is in force, on all threads. Watches its folder from now on. */
  applied(config: Config, rules: WafRules | null): void {
    this.stop();
    this.#refusal = null;
    this.#adopt(this.#planned);
    this.#ground = rules === null || config.waf.patches === '' ? null : { config, rules };
    if (this.#ground === null) return;
    this.#watch = new FolderWatch({
      folder: config.waf.patches,
      others: () => this.#read.paths,
      onChange: () => this.#change(() => this.#look()),
    });
    this.#awaitExpiry();
  }

  /** Stops watching. */
  stop(): void {
    this.#watch?.stop();
    this.#watch = null;
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = null;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #change(change: () => Promise<void>): void {
    const { inTurn, log } = this.#options;
    inTurn(change).catch((error: unknown) => {
      log().error({ err: error }, 'patches could not be changed; those of before stay');
      if (this.#watch === null) return;
      if (this.#retry !== null) clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#change(() => this.#lookAgain()), this.#options.retryMs ?? RETRY_MS);
      this.#retry.unref();
    });
  }

  /** The folder may be different. */
  async #look(): Promise<void> {
    const ground = this.#ground;
    if (ground === null || this.#watch === null) return;
    let next: ReadPatches;
    try {
      next = this.#readNow(ground);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#refusal !== null) this.#options.log().info({}, 'patches are right again');
    this.#refusal = null;
    await this.#switch(next);
  }

  /** What has expired goes, too, where the folder is refused. */
  async #lookAgain(): Promise<void> {
    await this.#look();
    await this.#expire();
  }

  async #switch(next: ReadPatches): Promise<void> {
    if (next.patches?.digest !== this.#read.patches?.digest) await this.#options.give(next.patches);
    this.#adopt(next);
    this.#awaitExpiry();
  }

  #readNow({ config, rules }: Ground): ReadPatches {
    this.#number += 1;
    return readPatches(config, rules, this.#number, this.#nowMs());
  }

  /** Told once, however often it is seen. */
  #refuse(error: unknown): void {
    const words = error instanceof Error ? error.message : String(error);
    if (words === this.#refusal) return;
    this.#refusal = words;
    this.refused += 1;
    const facts = { err: error, code: 'SP_CONFIG', problems: words.split('\n') };
    this.#options.log().error(facts, 'patches refused; those of before stay');
  }

  /** All threads have them. */
  #adopt(next: ReadPatches): void {
    const before = this.#read;
    const nowMs = this.#nowMs();
    const since = new Map<string, { readonly digest: string; readonly atMs: number }>();
    for (const { path, digest } of next.live) {
      const known = this.#since.get(path);
      since.set(path, known?.digest === digest ? known : { digest, atMs: nowMs });
    }
    this.#read = next;
    this.#since = since;
    this.#tell(before, next);
  }

  #tell(before: ReadPatches, next: ReadPatches): void {
    const log = this.#options.log();
    for (const file of news(before.live, next.live)) {
      const expires = file.expiresAtMs === null ? null : timeText(file.expiresAtMs);
      log.info({ file: file.path, rules: file.ids, expires }, 'patch is live');
    }
    for (const { path, ids } of before.live) {
      if (next.live.some((file) => file.path === path)) continue;
      const isExpired = next.expired.some((file) => file.path === path);
      if (!isExpired) log.info({ file: path, rules: ids }, 'patch is lifted');
    }
    for (const { path, expiresAtMs } of news(before.expired, next.expired)) {
      this.expired += 1;
      log.warn({ file: path, expired: timeText(expiresAtMs ?? 0) }, 'patch has expired, and is lifted');
    }
  }

  #awaitExpiry(): void {
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = null;
    const ends = this.#read.live.flatMap(({ expiresAtMs }) => expiresAtMs ?? []);
    if (ends.length === 0 || this.#watch === null) return;
    const leftMs = Math.max(0, Math.min(...ends) - this.#nowMs());
    this.#expiry = setTimeout(() => this.#change(() => this.#expire()), Math.min(leftMs, EXPIRY_LOOK_MS_MAX));
    this.#expiry.unref();
  }

  async #expire(): Promise<void> {
    this.#number += 1;
    await this.#switch(withoutExpired(this.#read, this.#number, this.#nowMs()));
  }
}

/** Files that were not there before, or not as they are. */
function news(before: readonly PatchFile[], next: readonly PatchFile[]): readonly PatchFile[] {
  return next.filter(({ path, digest }) => !before.some((other) => other.path === path && other.digest === digest));
}

const timeText = (atMs: number): string => new Date(atMs).toISOString();

import type { IssuerConfig } from '../config/schema.ts';
import type { IssuerKeysNews } from '../issuer-wire.ts';
import { parseObject } from './discovery.ts';
import type { Failed } from './http-json.ts';
import { IssuerState, type StateOptions } from './issuer-state.ts';
import { chooseKeys, type JudgeKey, type KeySet } from './key-set.ts';

/** Content of a file, or why there is none, as the end of a sentence. Never throws. */
export type ReadFile = (path: string) => { readonly text: string } | { readonly problem: string };

export interface FileIssuerOptions extends StateOptions {
  readonly config: IssuerConfig;
  readonly judge: JudgeKey;
  readonly read: ReadFile;
  readonly onNews: (news: IssuerKeysNews) => void;
  readonly clock: () => number;
}

/** Files are looked at every so often. */
const POLL_MS = 1_000;

/**
 * The keys of one issuer, in files: PEM public keys and certificates, JWKs, JWK sets. They are watched by content, as
 * certificates are: a change counts when two looks in a row see the same, so that a file that is being written is left
 * alone; one that is no good changes nothing.
 *
 * Threads: main: reads files synchronously.
 */
export class FileIssuer {
  readonly #options: FileIssuerOptions;
  readonly state: IssuerState;
  #set: KeySet | null = null;
  /** What is in use, what the last look saw, and what was refused. */
  #used = '';
  #seen = '';
  #refused = '';
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: FileIssuerOptions) {
    this.#options = options;
    this.state = new IssuerState(options);
    this.#look(true);
  }

  tick(): void {
    if (this.#options.clock() - this.#lookedAtMs >= POLL_MS) this.#look(false);
  }

  /** Asking brings nothing: files are looked at anyway. */
  want(): void {}

  async settled(): Promise<void> {}

  news(): IssuerKeysNews {
    return this.state.news(0, 0);
  }

  stop(): void {}

  #look(isFirst: boolean): void {
    const { config, read, judge, clock, onNews } = this.#options;
    const { files } = config.keys;
    const nowMs = clock();
    this.#lookedAtMs = nowMs;
    const contents = files.map(read);
    const digest = JSON.stringify(contents);
    const isStable = isFirst || digest === this.#seen;
    this.#seen = digest;
    if (digest === this.#used && this.#set !== null) {
      this.#refused = '';
      this.state.succeed(this.#set, nowMs);
      return;
    }
    if (!isStable || digest === this.#refused) return;
    const set = keysInFiles(files, contents, judge);
    if (set.kind === 'keys') {
      this.#set = set;
      this.#used = digest;
      this.#refused = '';
      this.state.succeed(set, nowMs);
    } else {
      this.#refused = digest;
      this.state.fail(set.detail, 'put public keys, certificates or JWK sets there');
    }
    if (!isFirst) onNews(this.news());
  }
}

/** All keys of some files. @returns  Or what is wrong with the first that is no good: half of the keys are no set. */
export function keysInFiles(
  files: readonly string[],
  contents: readonly ReturnType<ReadFile>[],
  judge: JudgeKey,
): KeySet | Failed {
  const keys: unknown[] = [];
  for (const [at, file] of files.entries()) {
    const content = contents[at];
    if (content === undefined || 'problem' in content) return wrong(file, content?.problem ?? 'does not exist');
    const found = itemsIn(content.text);
    if (found === null) return wrong(file, 'holds neither PEM nor a JSON Web Key nor a set of them');
    const set = chooseKeys(found, judge);
    if (set.kind === 'failed') return wrong(file, set.detail);
    keys.push(...found);
  }
  return chooseKeys(keys, judge);
}

/** PEM texts or JWKs, as they are in a file. Of several certificates the first: the others vouch for it. */
function itemsIn(text: string): readonly unknown[] | null {
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g);
  if (blocks !== null) {
    const first = blocks.findIndex(isCertificate);
    return blocks.filter((block, at) => !isCertificate(block) || at === first);
  }
  const document = parseObject(text);
  if (document === null) return null;
  if (Array.isArray(document.keys)) return document.keys.length === 0 ? null : document.keys;
  return document.kty === undefined ? null : [document];
}

const isCertificate = (block: string): boolean => block.startsWith('-----BEGIN CERTIFICATE-----');

function wrong(file: string, problem: string): Failed {
  return { kind: 'failed', reason: 'keys', detail: `${file}: ${problem}` };
}

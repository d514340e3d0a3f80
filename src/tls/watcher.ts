import { SallyportError } from '../errors.ts';
import { type CheckedMaterial, checkFiles, type Files, readFiles, type TlsSettings } from './material.ts';

export interface WatcherOptions {
  readonly tls: TlsSettings;
  /** What is served now. */
  readonly current: CheckedMaterial;
  /** New files that are good: snapshot them and hand them to the threads. */
  readonly onChange: (material: CheckedMaterial) => void;
  /** New files that are not: what is served stays. Once for each state of the files. */
  readonly onError: (error: SallyportError) => void;
}

/**
 * Watches certificate files by their content: modification times lie after a restore, and symlinks that are swapped
 * (Kubernetes secrets) change no file at all. A change counts when two looks in a row see the same content, so that a
 * pair that is being written is left alone.
 *
 * Threads: main; the caller calls `tick` every `tls.pollMs`. Reads files synchronously, some 50 us each.
 */
export class MaterialWatcher {
  readonly #options: WatcherOptions;
  #current: CheckedMaterial;
  #seen: string;
  #refused = '';

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#current = options.current;
    this.#seen = options.current.digest;
  }

  /** What is served now. */
  get current(): CheckedMaterial {
    return this.#current;
  }

  /** @param nowMs  Clock, milliseconds. @throws whatever `onChange` throws; the files are then tried again. */
  tick(nowMs: number): void {
    const files = readFiles(this.#options.tls);
    const isStable = files.digest === this.#seen;
    this.#seen = files.digest;
    if (files.digest === this.#current.digest) {
      this.#refused = '';
      return;
    }
    if (!isStable) return;
    // Refused files are looked at again: a certificate of tomorrow becomes good without a change.
    const next = this.#check(files, nowMs);
    if (next === undefined) return;
    this.#options.onChange(next);
    this.#refused = '';
    this.#current = next;
  }

  #check(files: Files, nowMs: number): CheckedMaterial | undefined {
    try {
      const next = checkFiles(this.#options.tls, files, nowMs);
      refuseWorse(next, this.#current, nowMs);
      return next;
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      if (files.digest !== this.#refused) this.#options.onError(error);
      this.#refused = files.digest;
      return undefined;
    }
  }
}

/** At boot an expired certificate is better than none; in the place of a valid one it is a mistake. */
function refuseWorse(next: CheckedMaterial, current: CheckedMaterial, nowMs: number): void {
  const problems: string[] = [];
  for (const [index, certificate] of next.certificates.entries()) {
    const before = current.certificates[index];
    if (before === undefined || !isInDate(before, nowMs) || isInDate(certificate, nowMs)) continue;
    problems.push(
      `tls.certificates[${index}].certificate (${certificate.file}): is valid from ` +
        `${new Date(certificate.notBeforeMs).toISOString()} to ${new Date(certificate.notAfterMs).toISOString()} only, ` +
        'and would replace one that is valid now: put a valid one in its place',
    );
  }
  if (problems.length > 0) throw new SallyportError('SP_TLS_MATERIAL', problems.join('\n'), { problems });
}

function isInDate(certificate: { notBeforeMs: number; notAfterMs: number }, nowMs: number): boolean {
  return certificate.notBeforeMs <= nowMs && nowMs < certificate.notAfterMs;
}

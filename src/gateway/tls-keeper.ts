import type { Config } from '../config/schema.ts';
import type { Log } from '../telemetry/log.ts';
import type { CertificateExpiry } from '../telemetry/main-metrics.ts';
import { ExpiryWatch } from '../tls/expiry.ts';
import { type CheckedMaterial, loadMaterial, type TlsSettings } from '../tls/material.ts';
import { type Snapshot, type TlsMaterial, takeSnapshot } from '../tls/snapshot.ts';
import { MaterialWatcher } from '../tls/watcher.ts';

export interface TlsKeeperOptions {
  readonly log: () => Log;
  readonly onCertificates: (certificates: readonly CertificateExpiry[]) => void;
  /** Gives new certificates to every thread. */
  readonly rotate: (material: TlsMaterial) => Promise<void>;
}

/** Certificates that were read for a reload, and when. */
export interface ReadCertificates {
  readonly tls: TlsSettings;
  readonly checked: CheckedMaterial;
  /** How many changes there had been before they were read. */
  readonly changes: number;
}

/** Certificates end by the day: once an hour is often enough to look. */
const EXPIRY_LOOK_MS = 3_600_000;

/**
 * Keeps the certificates: loads them at boot and reload, watches their files, hands changes to the threads, warns
 * before they expire. The private copies of those in use stay until all threads have the next ones: a replaced thread
 * reads them.
 *
 * Changes run one after the other, whether a reload or the files ask for them, and never go back in time: what was read
 * before another change came into force is read again, or left to the watcher that follows.
 *
 * Threads: main only.
 */
export class TlsKeeper {
  readonly #options: TlsKeeperOptions;
  #generation = 0;
  #checked: CheckedMaterial | null = null;
  #snapshot: Snapshot | null = null;
  /** Settles, never rejects, when all changes asked for so far are done. */
  #changing: Promise<void> = Promise.resolve();
  /** Changes that came into force, and those of them that a reload asked for. */
  #changes = 0;
  #reloads = 0;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: TlsKeeperOptions) {
    this.#options = options;
  }

  /**
   * Loads the certificates of a configuration for a boot.
   *
   * @returns  null where HTTPS is off.
   * @throws   SallyportError SP_TLS_MATERIAL with everything that is wrong.
   */
  load(config: Config): TlsMaterial | null {
    const read = this.check(config);
    if (read === null) return null;
    this.#adopt(read.checked, this.#take(read.checked));
    return this.#snapshot?.material ?? null;
  }

  /** What a reload would use; nothing changes yet. @throws  As `load`. */
  check(config: Config): ReadCertificates | null {
    return config.listen.https.port === 0 ? null : this.#read(config.tls);
  }

  /**
   * Gives the threads what `check` returned, if it differs from what they have. Read anew when the files' own changes
   * came into force meanwhile.
   *
   * @throws  As `load`, or when a thread cannot use them; what was served before still is.
   */
  async apply(read: ReadCertificates | null): Promise<void> {
    if (read === null) return;
    await this.#inTurn(async () => {
      const { checked } = read.changes === this.#changes ? read : this.#read(read.tls);
      if (isSame(this.#checked, checked)) return;
      await this.#rotate(checked);
      this.#reloads += 1;
    });
  }

  /** Watches the files of this configuration from now on. */
  watch(config: Config): void {
    this.stop();
    const current = this.#checked;
    if (current === null) return;
    const { log } = this.#options;
    const watcher = new MaterialWatcher({
      tls: config.tls,
      current,
      onChange: (checked) => {
        const reloads = this.#reloads;
        this.#inTurn(async () => {
          // A reload took a look of its own at the files meanwhile; the watcher it begins finds what is newer.
          if (reloads !== this.#reloads || isSame(this.#checked, checked)) return;
          await this.#rotate(checked);
        }).catch((error: unknown) =>
          log().error({ err: error }, 'new certificates could not be used; the old ones stay'),
        );
      },
      onError: (error) => log().error({ err: error, code: error.code }, 'new certificates refused; the old ones stay'),
    });
    const expiry = new ExpiryWatch(config.tls.expiryWarningDays, (warning) => {
      log().warn({ ...warning }, 'certificate expires soon');
    });
    const look = (): void => expiry.tick(this.#checked?.certificates ?? [], Date.now());
    look();
    this.#timers = [setInterval(() => watcher.tick(Date.now()), config.tls.pollMs), setInterval(look, EXPIRY_LOOK_MS)];
    for (const timer of this.#timers) timer.unref();
  }

  /** Stops watching. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  async #rotate(checked: CheckedMaterial): Promise<void> {
    const snapshot = this.#take(checked);
    try {
      await this.#options.rotate(snapshot.material);
    } catch (error) {
      await this.#goBack(snapshot);
      throw error;
    }
    this.#adopt(checked, snapshot);
    const certificates = checked.certificates.map(({ file, names, fingerprint }) => ({ file, names, fingerprint }));
    this.#options.log().info({ certificates }, 'certificates changed');
  }

  /** Threads that took the new ones go back, so that all serve the same. */
  async #goBack(refused: Snapshot): Promise<void> {
    const before = this.#snapshot;
    try {
      if (before !== null) await this.#options.rotate(before.material);
      refused.release();
    } catch (error) {
      // A thread that gave no answer may still read the new files: they stay.
      this.#options.log().error({ err: error }, 'a thread could not go back to the certificates of before');
    }
  }

  #read(tls: TlsSettings): ReadCertificates {
    return { tls, checked: loadMaterial(tls, Date.now()), changes: this.#changes };
  }

  /** One at a time, in the order they were asked for. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => undefined);
    return done;
  }

  #take(checked: CheckedMaterial): Snapshot {
    for (const warning of checked.warnings) this.#options.log().warn({ warning }, 'certificate warning');
    const snapshot = takeSnapshot(checked, this.#generation);
    this.#generation += 1;
    return snapshot;
  }

  #adopt(checked: CheckedMaterial, snapshot: Snapshot): void {
    this.#snapshot?.release();
    this.#snapshot = snapshot;
    this.#checked = checked;
    this.#changes += 1;
    this.#options.onCertificates(
      checked.certificates.map(({ file, names, notAfterMs }) => ({ name: names[0] ?? file, expiresAtMs: notAfterMs })),
    );
  }
}

/** The same files for the same names: who answers to what may change without a byte of a file. */
function isSame(before: CheckedMaterial | null, next: CheckedMaterial): boolean {
  if (before === null || before.digest !== next.digest || before.minVersion !== next.minVersion) return false;
  const namesOf = ({ certificates }: CheckedMaterial): string => JSON.stringify(certificates.map(({ names }) => names));
  return namesOf(before) === namesOf(next);
}

import type { Config } from '../config/schema.ts';
import type { Log } from '../telemetry/log.ts';
import type { CertificateExpiry } from '../telemetry/main-metrics.ts';
import { ExpiryWatch } from '../tls/expiry.ts';
import { type CheckedMaterial, loadMaterial } from '../tls/material.ts';
import { type Snapshot, type TlsMaterial, takeSnapshot } from '../tls/snapshot.ts';
import { MaterialWatcher } from '../tls/watcher.ts';

export interface TlsKeeperOptions {
  readonly log: () => Log;
  readonly onCertificates: (certificates: readonly CertificateExpiry[]) => void;
  /** Gives new certificates to every thread. */
  readonly rotate: (material: TlsMaterial) => Promise<void>;
}

/** Certificates end by the day: once an hour is often enough to look. */
const EXPIRY_LOOK_MS = 3_600_000;

/**
 * Keeps the certificates: loads them at boot and reload, watches their files, hands changes to the threads, warns
 * before they expire. The private copies of those in use stay until all threads have the next ones: a replaced thread
 * reads them.
 *
 * Threads: main only.
 */
export class TlsKeeper {
  readonly #options: TlsKeeperOptions;
  #generation = 0;
  #checked: CheckedMaterial | null = null;
  #snapshot: Snapshot | null = null;
  #rotating: Promise<void> = Promise.resolve();
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
    const checked = this.check(config);
    if (checked === null) return null;
    this.#adopt(checked, this.#take(checked));
    return this.#snapshot?.material ?? null;
  }

  /** What a reload would use; nothing changes yet. @throws  As `load`. */
  check(config: Config): CheckedMaterial | null {
    return config.listen.https.port === 0 ? null : loadMaterial(config.tls, Date.now());
  }

  /** Gives the threads what `check` returned, if it differs from what they have. */
  async apply(checked: CheckedMaterial | null): Promise<void> {
    if (checked === null) return;
    const before = this.#checked;
    if (before !== null && before.digest === checked.digest && before.minVersion === checked.minVersion) return;
    await this.#rotate(checked);
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
        this.#rotating = this.#rotating
          .then(() => this.#rotate(checked))
          .catch((error: unknown) =>
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
      // Threads that took the new ones go back, so that all serve the same.
      const before = this.#snapshot;
      if (before !== null) await this.#options.rotate(before.material);
      snapshot.release();
      throw error;
    }
    this.#adopt(checked, snapshot);
    const certificates = checked.certificates.map(({ file, names, fingerprint }) => ({ file, names, fingerprint }));
    this.#options.log().info({ certificates }, 'certificates changed');
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
    this.#options.onCertificates(
      checked.certificates.map(({ file, names, notAfterMs }) => ({ name: names[0] ?? file, expiresAtMs: notAfterMs })),
    );
  }
}

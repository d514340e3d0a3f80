const DAY_MS = 86_400_000;

export interface ExpiringCertificate {
  /** File name, for the log and as a metric label. */
  readonly file: string;
  readonly names: readonly string[];
  readonly notAfterMs: number;
  readonly fingerprint: string;
}

export interface ExpiryWarning {
  readonly file: string;
  readonly names: readonly string[];
  /** Whole days left, rounded down; negative when expired. */
  readonly daysLeft: number;
  readonly notAfter: string;
}

/** Days left, with a fraction, for the metric; negative when expired. */
export function daysLeft(certificate: Pick<ExpiringCertificate, 'notAfterMs'>, nowMs: number): number {
  return (certificate.notAfterMs - nowMs) / DAY_MS;
}

/**
 * Warns of certificates that end soon, once a day each.
 *
 * Threads: main. Call `tick` as often as convenient; time is an argument.
 */
export class ExpiryWatch {
  readonly #warningDays: number;
  readonly #warn: (warning: ExpiryWarning) => void;
  #warnedAtMs = new Map<string, number>();

  /** @param warningDays  `tls.expiryWarningDays`; 0 warns of expired ones only. */
  constructor(warningDays: number, warn: (warning: ExpiryWarning) => void) {
    this.#warningDays = warningDays;
    this.#warn = warn;
  }

  /** @param certificates  Those served now. */
  tick(certificates: readonly ExpiringCertificate[], nowMs: number): void {
    const warnedAtMs = new Map<string, number>();
    for (const certificate of certificates) {
      const left = daysLeft(certificate, nowMs);
      if (left >= this.#warningDays && left > 0) continue;
      const last = this.#warnedAtMs.get(certificate.fingerprint);
      if (last !== undefined && nowMs - last < DAY_MS) {
        warnedAtMs.set(certificate.fingerprint, last);
        continue;
      }
      warnedAtMs.set(certificate.fingerprint, nowMs);
      this.#warn({
        file: certificate.file,
        names: certificate.names,
        daysLeft: Math.floor(left),
        notAfter: new Date(certificate.notAfterMs).toISOString(),
      });
    }
    // Only those still served are remembered: renewals must not pile up.
    this.#warnedAtMs = warnedAtMs;
  }
}

/** What the main thread counts about the process as a whole. Threads: main only. */
export class MainMetrics {
  /** Threads by state, as the supervisor last saw them. */
  threads: Readonly<Record<ThreadState, number>> = { starting: 0, running: 0, draining: 0 };
  /** Threads that ended unexpectedly and were replaced. */
  threadRestarts = 0;
  /** Inspect threads, likewise. */
  inspectThreadRestarts = 0;
  reloadsApplied = 0;
  reloadsRefused = 0;
  /** Configurations applied since the start, the first one included; 0 before it. */
  generation = 0;
  /** Fingerprint of the configuration in force; '' before the first. */
  configDigest = '';
  /** When it was applied, milliseconds since the epoch. */
  configAppliedAtMs = 0;
  /** Certificates in force and when they end, milliseconds since the epoch. */
  certificates: readonly CertificateExpiry[] = [];

  /**
   * A configuration is in force.
   *
   * @param generation  1 for the one of the start.
   * @param digest      Any fingerprint that two gateways can be compared by; no secrets.
   */
  configApplied(generation: number, digest: string, nowMs: number): void {
    if (generation > 1) this.reloadsApplied++;
    this.generation = generation;
    this.configDigest = digest;
    this.configAppliedAtMs = nowMs;
  }

  /** A reload was refused and the old configuration stays. */
  reloadRefused(): void {
    this.reloadsRefused++;
  }

  threadRestarted(): void {
    this.threadRestarts++;
  }

  inspectThreadRestarted(): void {
    this.inspectThreadRestarts++;
  }
}

export type ThreadState = 'starting' | 'running' | 'draining';

export interface CertificateExpiry {
  /** First name of the certificate, or its file. */
  readonly name: string;
  readonly expiresAtMs: number;
}

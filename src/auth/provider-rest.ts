// hot path: synchronous, never throws

/** Failures in a row after which a server is left alone. */
const FAILURES_MAX = 5;
/** For so long; then one question at a time tries it. As long as the Retry-After of what is refused meanwhile. */
const REST_MS = 1_000;

/** Leaves a server alone that does not answer, so that it costs one exchange a second. */
export class ProviderRest {
  #failures = 0;
  #restsAtMs = 0;
  #isProbing = false;

  get isResting(): boolean {
    return this.#failures >= FAILURES_MAX;
  }

  /** @returns  May it be asked now? A clock that was set back ends the rest. */
  allows(nowMs: number): boolean {
    if (!this.isResting) return true;
    if (this.#isProbing) return false;
    return nowMs >= this.#restsAtMs + REST_MS || nowMs < this.#restsAtMs;
  }

  /** Something is asked. @returns  Whether it is a probe, to be told to `ended`. */
  began(): boolean {
    if (!this.isResting) return false;
    this.#isProbing = true;
    return true;
  }

  /** @returns  True when this changed whether it rests. */
  ended(isProbe: boolean, outcome: 'alive' | 'down' | 'unknown', nowMs: number): boolean {
    const before = this.isResting;
    if (isProbe) this.#isProbing = false;
    if (outcome === 'alive') this.#failures = 0;
    if (outcome === 'down') {
      this.#failures += 1;
      this.#restsAtMs = nowMs;
    }
    return this.isResting !== before;
  }
}

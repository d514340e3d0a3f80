/** What `concurrency` says of an adaptive bound. */
export interface AdaptiveSettings {
  readonly min: number;
  readonly max: number;
  readonly windowMs: number;
  readonly minRttEveryMs: number;
  readonly bufferPercent: number;
}

/** Latencies gathered since they were last reset. */
export interface Latencies {
  readonly count: number;
  medianMs(): number;
  reset(): void;
}

/** What happened since the last look. */
export interface Usage {
  readonly underWay: number;
  readonly refused: number;
}

/** Latencies that make a measurement of the one without load, */
const MEASURE_COUNT = 25;
/** or these at least, where that many take longer than this. */
const MEASURE_COUNT_MIN = 3;
const MEASURE_MS = 2_000;
/** A measurement that finds nobody under way for so long is given up: there is no load to hold back. */
const MEASURE_QUIET_MS = 1_000;
/** A measurement that has too few answers for so long is given up where that makes more room: who hangs must not. */
const MEASURE_STUCK_MS = 5_000;
/** Measurements are this much later at most, so that gateways before one upstream do not take turns in step. */
const JITTER = 0.15;
/** Latencies that a window needs; with fewer the next one is added to it, */
const WINDOW_COUNT = 10;
/** but no more than so many. */
const WINDOWS_MAX = 25;
const GRADIENT_MIN = 0.5;
const GRADIENT_MAX = 2;
/** Windows at `min` after which the latency without load is measured anew: it has likely changed. */
const AT_MIN_WINDOWS = 5;

/**
 * An adaptive bound on concurrency. Each window compares the median latency with the one without load (minRTT):
 *
 *     gradient = (minRTT + buffer) / median, within 0.5 and 2
 *     limit    = gradient x limit + sqrt(gradient x limit), within min and max
 *
 * minRTT is measured again and again with the limit held at `min`, and at once after five windows at `min`. Here it
 * also follows a median that is lower than itself, so that an upstream which recovers has its limit back at once; and
 * the limit grows only while it is used, since latencies without load say nothing of what more load would do.
 *
 * Threads: main only. Source: adaptive concurrency filter of Envoy, gradient controller.
 */
export class GradientLimit {
  #settings: AdaptiveSettings;
  readonly #random: () => number;
  #limit: number;
  #minRttMs = 0;
  #isMeasuring = true;
  #measuringSinceMs: number;
  #quietSinceMs = Number.POSITIVE_INFINITY;
  #nextMeasureMs = 0;
  #windowEndMs = 0;
  #windows = 0;
  #atMin = 0;
  #isUsed = false;

  /** @param random  0 <= random() < 1. */
  constructor(settings: AdaptiveSettings, steadyMs: number, random: () => number) {
    this.#settings = settings;
    this.#random = random;
    this.#limit = settings.min;
    this.#measuringSinceMs = steadyMs;
  }

  /** The bound in force: `min` during a measurement. */
  get limit(): number {
    return this.#isMeasuring ? this.#settings.min : this.#limit;
  }

  /** Latency without load; 0 before the first measurement. */
  get minRttMs(): number {
    return this.#minRttMs;
  }

  get isMeasuring(): boolean {
    return this.#isMeasuring;
  }

  /** Steady clock: requests that began before it say nothing of the latency without load. */
  get measuringSinceMs(): number {
    return this.#measuringSinceMs;
  }

  /** Goes on with other settings. */
  change(settings: AdaptiveSettings): void {
    this.#settings = settings;
    this.#limit = Math.min(settings.max, Math.max(settings.min, this.#limit));
  }

  /** To be called a few times per window. */
  tick(steadyMs: number, latencies: Latencies, { underWay, refused }: Usage): void {
    if (refused > 0 || underWay * 2 >= this.#limit) this.#isUsed = true;
    if (this.#isMeasuring) this.#measure(steadyMs, latencies, underWay);
    else if (steadyMs >= this.#windowEndMs) this.#endWindow(steadyMs, latencies);
  }

  #measure(steadyMs: number, latencies: Latencies, underWay: number): void {
    this.#quietSinceMs = underWay > 0 ? Number.POSITIVE_INFINITY : Math.min(this.#quietSinceMs, steadyMs);
    const { count } = latencies;
    const isLong = steadyMs - this.#measuringSinceMs >= MEASURE_MS;
    if (count >= MEASURE_COUNT || (isLong && count >= MEASURE_COUNT_MIN)) this.#minRttMs = latencies.medianMs();
    else if (this.#minRttMs === 0) return;
    else if (steadyMs - this.#quietSinceMs < MEASURE_QUIET_MS && !this.#isStuck(steadyMs)) return;
    this.#isMeasuring = false;
    this.#nextMeasureMs = steadyMs + this.#settings.minRttEveryMs * (1 + JITTER * this.#random());
    this.#beginWindow(steadyMs, latencies);
  }

  /** At `min` giving up would change nothing, and the measurement would never be made of an upstream that is slow. */
  #isStuck(steadyMs: number): boolean {
    return this.#limit > this.#settings.min && steadyMs - this.#measuringSinceMs >= MEASURE_STUCK_MS;
  }

  #endWindow(steadyMs: number, latencies: Latencies): void {
    const { count } = latencies;
    this.#windows += 1;
    if (count < WINDOW_COUNT && this.#windows < WINDOWS_MAX) {
      this.#windowEndMs = steadyMs + this.#settings.windowMs;
      return;
    }
    if (count > 0) this.#adapt(latencies.medianMs());
    if (count > 0 && (steadyMs >= this.#nextMeasureMs || this.#atMin >= AT_MIN_WINDOWS)) {
      this.#isMeasuring = true;
      this.#measuringSinceMs = steadyMs;
      this.#quietSinceMs = Number.POSITIVE_INFINITY;
      this.#atMin = 0;
      latencies.reset();
    } else {
      this.#beginWindow(steadyMs, latencies);
    }
  }

  #beginWindow(steadyMs: number, latencies: Latencies): void {
    this.#windowEndMs = steadyMs + this.#settings.windowMs;
    this.#windows = 0;
    this.#isUsed = false;
    latencies.reset();
  }

  #adapt(medianMs: number): void {
    const { min, max, bufferPercent } = this.#settings;
    this.#minRttMs = Math.min(this.#minRttMs, medianMs);
    const ratio = (this.#minRttMs * (1 + bufferPercent / 100)) / medianMs;
    const scaled = this.#limit * Math.min(GRADIENT_MAX, Math.max(GRADIENT_MIN, ratio));
    const wanted = Math.min(max, Math.max(min, Math.floor(scaled + Math.sqrt(scaled))));
    this.#atMin = wanted === min && this.#limit === min ? this.#atMin + 1 : 0;
    if (wanted < this.#limit || this.#isUsed) this.#limit = wanted;
  }
}

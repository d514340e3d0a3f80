// hot path: synchronous, never throws

/** One time to be woken at. */
export interface Alarm {
  /** Sets it anew. @param delayMs  From now, whole, >= 1. */
  set(delayMs: number): void;
  clear(): void;
}

/** @param ring  Called once for each `set`, unless it is set anew or cleared before. */
export type MakeAlarm = (ring: () => void) => Alarm;

/** Longest delay of a timer: past it Node fires at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** An alarm on a timer of Node, precise to about 1 ms. It does not keep the process alive. */
export const timerAlarm: MakeAlarm = (ring) => {
  let timer: NodeJS.Timeout | null = null;
  return {
    set(delayMs: number): void {
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(ring, Math.min(delayMs, DELAY_MS_MAX));
      timer.unref();
    },
    clear(): void {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
};

/** Microseconds in the unit that reads best: `72 ns`, `2.61 us`, `148 us`, `1.05 ms`. */
export function time(us: number): string {
  if (us < 1) return `${(us * 1_000).toFixed(us < 0.01 ? 1 : 0)} ns`;
  if (us < 1_000) return `${digits(us)} us`;
  return `${digits(us / 1_000)} ms`;
}

/** `0.42`, `1.08`, `12.3`, `148`. */
export function times(ratio: number): string {
  return digits(ratio);
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

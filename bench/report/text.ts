/** Text as it may stand in an element or a quoted attribute. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** Digits that tell something: 72,375 and 496.7 and 18.5 and 1.73 and 0.071. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 1_000) return Math.round(value).toLocaleString('en');
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.1) return value.toFixed(2);
  return size === 0 ? '0' : value.toPrecision(2);
}

/** `2026-11-25 12:13:05`, universal time. */
export function moment(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** `16 GB`. */
export function memory(bytes: number): string {
  return `${Math.round(bytes / 1e9)} GB`;
}

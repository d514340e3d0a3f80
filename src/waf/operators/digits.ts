// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';

/** The digits in a text, whatever stands between them. */
export function digitsOf(text: ByteText): number[] {
  const digits: number[] = [];
  for (let i = 0; i < text.length; i += 1) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) digits.push(digit);
  }
  return digits;
}

/** Sum of digits, each by its weight; those without a weight do not count. */
export function weighted(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * (digits[index] ?? 0), 0);
}

export function allSame(digits: readonly number[]): boolean {
  return digits.every((digit) => digit === digits[0]);
}

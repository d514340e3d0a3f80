// hot path: synchronous, never throws

/** Is this lower-case word an element of the comma-separated list (RFC 9110 5.6.1)? Case does not matter. */
export function lists(list: string, word: string): boolean {
  return list.split(',').some((element) => element.trim().toLowerCase() === word);
}

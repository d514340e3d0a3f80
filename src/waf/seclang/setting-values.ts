import type { ByteText } from '../../base/byte-text.ts';
import { shown } from './problems.ts';
import { SecLangReason } from './reason.ts';

/** What one argument of a directive may be. */
export interface ValueKind {
  /** As in `SecRuleEngine takes On, Off or DetectionOnly`. */
  readonly says: string;
  /** @returns  The value in the spelling of the table; null where it is none. */
  readonly read: (text: ByteText) => ByteText | null;
}

/** Words, in any case. */
export function oneOf(...words: readonly string[]): ValueKind {
  const last = words.length === 1 ? '' : ` or ${words[words.length - 1]}`;
  return {
    says: `${words.slice(0, Math.max(1, words.length - 1)).join(', ')}${last}`,
    read: (text) => words.find((word) => word.toLowerCase() === text.toLowerCase()) ?? null,
  };
}

/** A whole number in decimal digits; both ends belong to the range. */
export function wholeNumber(least: number, most: number): ValueKind {
  return {
    says: `a whole number from ${least} to ${most}`,
    read: (text) => (/^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most ? text : null),
  };
}

export const ANY_TEXT: ValueKind = { says: 'text', read: (text) => (text === '' ? null : text) };

export const ONE_CHARACTER: ValueKind = { says: 'one character', read: (text) => (text.length === 1 ? text : null) };

/** Mode of a file, in octal digits. */
export const FILE_MODE: ValueKind = {
  says: 'an octal mode such as 0600, or default',
  read: (text) => (/^(?:[0-7]{3,4}|default)$/i.test(text) ? text : null),
};

export const AUDIT_PARTS: ValueKind = {
  says: 'letters A to K and Z',
  read: (text) => (/^[A-KZ]+$/.test(text) ? text : null),
};

export const MIME_TYPE: ValueKind = {
  says: 'MIME types such as text/html',
  read: (text) => (/^[^\s/;]+\/[^\s/;]+$/.test(text) || text === '(null)' ? text.toLowerCase() : null),
};

/**
 * Checks arguments, each against its kind; the last kind is that of all further ones.
 *
 * @throws  SecLangReason naming the directive and what it takes.
 */
export function readValues(
  name: string,
  values: readonly ByteText[],
  kinds: readonly ValueKind[],
  most = kinds.length,
  least = kinds.length,
): ByteText[] {
  if (values.length < least || values.length > most) {
    const wanted = kinds.length === 0 ? 'no argument' : kinds.map(({ says }) => says).join(', then ');
    throw new SecLangReason(`${name} takes ${wanted}, not ${values.length} arguments`);
  }
  return values.map((text, index) => {
    const kind = kinds[Math.min(index, kinds.length - 1)];
    const value = kind?.read(text) ?? null;
    if (value === null) throw new SecLangReason(`${name} takes ${kind?.says ?? 'no argument'}, not ${shown(text)}`);
    return value;
  });
}

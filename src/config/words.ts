/** A key path: names of mappings, indices of lists. */
export type KeyPath = readonly (string | number)[];

/** Characters of a value or key that a message shows: enough to recognise it, too few to flood a terminal. */
const SHOWN_MAX = 60;

/** Longest word that is compared with known ones: the comparison costs its length times theirs. */
const COMPARED_MAX = 128;

/** Control characters, line and paragraph separators, bidirectional overrides: they could forge lines of a terminal. */
const UNSAFE = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g;

/** `['routes', 2, 'upstream']` -> `routes[2].upstream`; odd names are quoted: `upstreams["a b"]`. Unique per path. */
export function pathText(path: KeyPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${part.length <= SHOWN_MAX ? quote(part) : escapeUnsafe(JSON.stringify(part))}]`;
  }
  return text;
}

/** A text in double quotes, shortened, with nothing in it that a terminal would obey. */
export function quote(text: string, lengthMax = SHOWN_MAX): string {
  const shown = text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
  return escapeUnsafe(JSON.stringify(shown));
}

function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `an integer`, `a list`. */
export function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** `a, b or c`. */
export function either(choices: readonly string[]): string {
  if (choices.length < 2) return choices.join('');
  return `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

/**
 * The known name that somebody most likely meant.
 *
 * @param word   What was written.
 * @param known  What may be written.
 * @returns The nearest name within a third of its length and at most three edits, or one that begins with the
 *          other; undefined when none is near.
 * Source: optimal string alignment distance (insert, delete, replace, swap of neighbours), case set aside.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // Numbers and signs have no typing errors to recognise: `1.1` is not a mistyped `1.3`.
  if (word.length > COMPARED_MAX || !/[A-Za-z]{2}/.test(word)) return undefined;
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const bound = Math.max(1, Math.min(3, Math.floor(Math.max(word.length, name.length) / 3)));
    if (Math.abs(word.length - name.length) > bound) continue;
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance <= bound && distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best ?? beginning(word, known);
}

/** `warning` for `warn`, `cert` for `certificate`: one of the two begins with the other. */
function beginning(word: string, known: readonly string[]): string | undefined {
  for (const name of known) {
    const [a, b] = [word.toLowerCase(), name.toLowerCase()];
    if (Math.min(a.length, b.length) >= 4 && (a.startsWith(b) || b.startsWith(a))) return name;
  }
  return undefined;
}

/** `did you mean "api"?`, or `otherwise` when nothing is near. */
export function didYouMean(word: string, known: readonly string[], otherwise: string): string {
  const name = nearest(word, known);
  return name === undefined ? otherwise : `did you mean ${quote(name)}?`;
}

function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let least = Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + same);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, (older[column - 2] ?? 0) + 1);
      current.push(least);
    }
    older = above;
    above = current;
  }
  return above[b.length] ?? 0;
}

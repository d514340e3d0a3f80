import { posix } from 'node:path';
import { type ByteText, displayOf } from '../../base/byte-text.ts';
import { nearest } from '../../config/words.ts';
import { RULE_FILES_MAX, RULE_INCLUDE_DEPTH_MAX, RULE_SET_BYTES_MAX } from '../../limits.ts';
import { readDirective } from './directive.ts';
import { DIRECTIVES, directiveName } from './directives.ts';
import { type LexedDirective, lexDirectives } from './lex.ts';
import { Problems, shown } from './problems.ts';
import { type SecLangProblem, SecLangReason } from './reason.ts';
import { RuleFileAbsent } from './rule-files.ts';
import type { Directive, Place, RuleFiles } from './syntax.ts';

/**
 * Reads the files of a rule set, and those that they include, in order.
 *
 * @param entries  Paths.
 * @returns  What could be read, and everything that is wrong, up to a cap. Any problem means that it must not be used.
 */
export function parseRules(
  files: RuleFiles,
  entries: readonly string[],
): { readonly directives: readonly Directive[]; readonly problems: readonly SecLangProblem[] } {
  const reader = new Reader(files);
  for (const entry of entries) reader.file(entry, { file: entry, line: 1 }, false);
  return { directives: reader.directives, problems: reader.problems.list };
}

class Reader {
  readonly directives: Directive[] = [];
  readonly problems = new Problems();
  readonly #files: RuleFiles;
  /** Files that are being read, outermost first. */
  readonly #open: string[] = [];
  #filesRead = 0;
  #bytesRead = 0;

  constructor(files: RuleFiles) {
    this.#files = files;
  }

  /** @param from  Where the file is named. */
  file(path: string, from: Place, mayBeAbsent: boolean): void {
    const text = this.problems.attempt(from, null, () => this.#read(path, mayBeAbsent));
    if (text === null) return;
    this.#open.push(path);
    for (const found of lexDirectives(text)) {
      if (this.problems.isFull) break;
      const place = { file: path, line: found.line };
      if ('message' in found) this.problems.add(place, idIn(found.text), found.message);
      else this.#directive(found, place);
    }
    this.#open.pop();
  }

  /** @returns  Null where nothing is there, and nothing need be. */
  #read(path: string, mayBeAbsent: boolean): ByteText | null {
    if (this.#open.includes(path))
      throw new SecLangReason(`${path} includes itself: ${[...this.#open, path].join(' > ')}`);
    if (this.#open.length >= RULE_INCLUDE_DEPTH_MAX) {
      throw new SecLangReason(`${path} is not included: includes nest deeper than ${RULE_INCLUDE_DEPTH_MAX}`);
    }
    if (this.#filesRead >= RULE_FILES_MAX || this.#bytesRead > RULE_SET_BYTES_MAX) {
      const cap = `${RULE_FILES_MAX} files or ${RULE_SET_BYTES_MAX} bytes`;
      throw new SecLangReason(`${path} is not included: the rule set has more than ${cap}`);
    }
    try {
      const text = this.#files.read(path);
      this.#filesRead += 1;
      this.#bytesRead += text.length;
      return text;
    } catch (error) {
      if (mayBeAbsent && error instanceof RuleFileAbsent) return null;
      throw error;
    }
  }

  #directive({ words: [word = '', ...values] }: LexedDirective, place: Place): void {
    const name = directiveName(word);
    if (name === null) {
      const near = nearest(displayOf(word.slice(0, 64)), Object.keys(DIRECTIVES));
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      this.problems.add(place, null, `${shown(word)} is not a directive${hint}`);
    } else if (name === 'Include' || name === 'IncludeOptional') {
      this.#include(name, values, place);
    } else {
      const ruleId = idIn(values[values.length - 1] ?? '');
      const read = this.problems.attempt(place, ruleId, () => readDirective(name, values, place));
      if (read !== null) this.directives.push(read);
    }
  }

  #include(name: string, values: readonly ByteText[], place: Place): void {
    const [pattern] = values;
    if (pattern === undefined || pattern === '' || values.length !== 1) {
      this.problems.add(place, null, `${name} takes one path or glob`);
      return;
    }
    const folder = posix.dirname(place.file);
    const paths = this.problems.attempt(place, null, () => this.#files.expand(displayOf(pattern), folder));
    if (paths?.length === 0 && name === 'Include') {
      this.problems.add(place, null, `no file matches ${shown(pattern)} in ${folder}; IncludeOptional allows for that`);
    }
    for (const path of paths ?? []) {
      if (this.problems.isFull) return;
      this.file(path, place, name === 'IncludeOptional');
    }
  }
}

/** The id in actions that may not be readable as such: a message should name it anyway. */
function idIn(text: ByteText): number | null {
  const id = /(?:^|[\s,"'])id\s*:\s*'?(\d{1,15})/i.exec(text)?.[1];
  return id === undefined ? null : Number(id);
}

import type { ConfigProblem } from './problems.ts';
import { kindOf, SCHEMA } from './schema-tree.ts';
import { schemaAt, wordsAt } from './schema-walk.ts';
import { type KeyPath, pathText, quote, withArticle } from './words.ts';

/** From 1, as editors count. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Longest file name a message shows: Linux's own PATH_MAX. */
const FILE_NAME_MAX = 4_096;

/** Where everything was said, and what is wrong with it. One per load; each step writes into it. */
export class Report {
  readonly source: string;
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigProblem[] = [];
  /** Place of each key in the file, by `pathText`. */
  readonly places = new Map<string, Place>();
  /** Environment variable that set a value, by `pathText`. */
  readonly variables = new Map<string, string>();
  /** Reference as written, by `pathText`, for values that came out of one: those are never printed. */
  readonly references = new Map<string, string>();
  readonly #faulty = new Set<string>();

  /** @param source  Name of the file as messages show it. */
  constructor(source: string) {
    this.source = source;
  }

  /**
   * Notes a problem, unless one of the values it speaks of is itself at fault: then that one is all there is to say.
   *
   * @param path      Where.
   * @param involves  Other values that the problem rests on.
   */
  problem(path: KeyPath, found: string, remedy: string, involves: readonly KeyPath[] = []): void {
    if (!this.sound(path) || involves.some((other) => !this.sound(other))) return;
    this.problems.push(this.#row(path, found, remedy));
  }

  /** Like `problem`, and the value at `path` is not to be trusted by later checks. */
  fault(path: KeyPath, found: string, remedy: string): void {
    this.problems.push(this.#row(path, found, remedy));
    this.#faulty.add(pathText(path));
  }

  /** Like `fault` for a place of its own; `[]` where there is no key: a syntax error, an unreadable file. */
  faultAt(place: Place | undefined, path: KeyPath, found: string, remedy: string): void {
    const { line, column } = place ?? { line: 0, column: 0 };
    this.problems.push({ path: pathText(path), source: this.source, line, column, found, remedy });
    if (path.length > 0) this.#faulty.add(pathText(path));
  }

  /** Like `fault` for an environment variable. */
  faultOf(variable: string, path: KeyPath, found: string, remedy: string): void {
    this.problems.push({ path: pathText(path), source: variable, line: 0, column: 0, found, remedy });
    if (path.length > 0) this.#faulty.add(pathText(path));
  }

  /** Marks a value as not to be trusted, where its problem is noted elsewhere. */
  distrust(path: KeyPath): void {
    this.#faulty.add(pathText(path));
  }

  /** Something that works but is likely not meant. */
  warn(path: KeyPath, found: string, remedy: string): void {
    this.warnings.push(this.#row(path, found, remedy));
  }

  /** True when neither the value nor what contains it was found at fault. */
  sound(path: KeyPath): boolean {
    for (let length = 0; length <= path.length; length += 1) {
      if (this.#faulty.has(pathText(path.slice(0, length)))) return false;
    }
    return true;
  }

  /** True when a value was written, in the file or the environment; false for a default. */
  isSaid(path: KeyPath): boolean {
    const text = pathText(path);
    return this.places.has(text) || this.variables.has(text);
  }

  /** `routes[0] (line 12)`, `admin.port (by default)`: for messages about two places. */
  mention(path: KeyPath): string {
    const text = pathText(path);
    const line = this.places.get(text)?.line;
    const variable = this.variables.get(text) ?? [...this.variables].find(([key]) => key.startsWith(`${text}.`))?.[1];
    return `${text} (${variable ?? (line === undefined ? 'by default' : `line ${line}`)})`;
  }

  /** A value as messages may show it: `"80"`, `80`, `a list`; never a secret, a password or what a reference held. */
  show(path: KeyPath, value: unknown): string {
    const kind = kindOf(value);
    if (kind === 'mapping' || kind === 'list') return withArticle(kind);
    if (kind === 'nothing') return 'nothing';
    if (wordsAt(SCHEMA, path).secret) return `${withArticle(kind)} (not shown)`;
    const reference = this.references.get(pathText(path));
    if (reference !== undefined) return `the value of ${quote(reference)}`;
    // Where a whole section was expected, a lone value may be a secret that lost its key.
    if (schemaAt(SCHEMA, path)?.type === 'object') return withArticle(kind);
    if (typeof value !== 'string') return String(value);
    // The end of a file's name is what tells it apart.
    if (schemaAt(SCHEMA, path)?.file === true) return quote(value, FILE_NAME_MAX);
    return quote(value.replace(/\/\/[^/@]*@/g, '//…@').replace(/^(\w+:)?[^/]*:[^/]*@/, '…@'));
  }

  /** Problems in the order of the file, those from elsewhere last. */
  sorted(rows: readonly ConfigProblem[]): ConfigProblem[] {
    const rank = (row: ConfigProblem): number => (row.line > 0 ? row.line : Number.MAX_SAFE_INTEGER);
    return [...rows].sort((a, b) => rank(a) - rank(b) || a.column - b.column);
  }

  #row(path: KeyPath, found: string, remedy: string): ConfigProblem {
    return { path: pathText(path), ...this.#locate(path), found, remedy };
  }

  /** The nearest thing that was said at or above a path. */
  #locate(path: KeyPath): Place & { source: string } {
    // The beginning of the file says nothing about a key that is not in it.
    for (let length = path.length; length >= Math.min(1, path.length); length -= 1) {
      const text = pathText(path.slice(0, length));
      const variable = this.variables.get(text);
      if (variable !== undefined) return { source: variable, line: 0, column: 0 };
      const place = this.places.get(text);
      if (place !== undefined) return { source: this.source, line: place.line, column: place.column };
    }
    return { source: this.source, line: 0, column: 0 };
  }
}

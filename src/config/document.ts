import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Place, Report } from './report.ts';
import { type KeyPath, pathText, quote } from './words.ts';
import { noteSyntax } from './yaml-syntax.ts';

/** Levels of nesting: the schema has eight. */
export const DEPTH_MAX = 64;

/** Values after aliases are followed: far beyond any gateway, and reached in milliseconds by an alias bomb. */
export const NODES_MAX = 200_000;

/**
 * Reads YAML 1.2 (core schema; JSON is part of it) into plain values, and notes the place of every key.
 *
 * No tags, no merge keys, no second document, no key twice, bounded nesting and aliases.
 *
 * @param text    The file.
 * @param report  Receives places and problems. No message quotes the text: it may hold secrets.
 * @returns Objects, arrays and scalars; undefined when a problem was noted that leaves nothing to look at.
 * @throws  Never.
 */
export function readDocument(text: string, report: Report): Record<string, unknown> | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    prettyErrors: false,
    stringKeys: true,
    // Ours is linear and names the key; see `Builder`.
    uniqueKeys: false,
    resolveKnownTags: false,
    merge: false,
    logLevel: 'error',
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const directive = document.directives?.yaml;
  if (directive?.explicit === true && directive.version !== '1.2') {
    report.faultAt(
      { line: 1, column: 1 },
      [],
      'the file asks for another YAML version',
      'remove the %YAML line: 1.2 is read',
    );
    return undefined;
  }
  if (document.errors.length > 0 || document.warnings.length > 0) {
    noteSyntax(document, text, report, place);
    return undefined;
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    const remedy = 'write at least one route and its upstream; config/gateway.example.yaml shows every key';
    report.faultAt({ line: 1, column: 1 }, [], 'the file is empty', remedy);
    return undefined;
  }
  report.places.set('', { line: 1, column: 1 });
  const builder = new Builder(report, place);
  const value = builder.build(document.contents, [], 0);
  if (builder.exhausted) return undefined;
  if (!isMap(document.contents)) {
    const found = `the file is ${isSeq(document.contents) ? 'a list' : 'a single value'}, not a mapping`;
    report.faultAt({ line: 1, column: 1 }, [], found, 'begin with keys such as "routes:" and "upstreams:"');
    return undefined;
  }
  return value as Record<string, unknown>;
}

/** Turns nodes into plain values, following aliases under a bound. */
class Builder {
  /** True when the document is too deep or too large: what was built is not whole. */
  exhausted = false;
  readonly #report: Report;
  readonly #place: (offset: number) => Place;
  readonly #anchors = new Map<string, Node>();
  #nodes = 0;

  constructor(report: Report, place: (offset: number) => Place) {
    this.#report = report;
    this.#place = place;
  }

  build(node: unknown, path: KeyPath, depth: number): unknown {
    if (this.exhausted || node === null) return null;
    this.#nodes += 1;
    const at = this.#place(offsetOf(node));
    if (depth > DEPTH_MAX || this.#nodes > NODES_MAX) {
      this.exhausted = true;
      const found = depth > DEPTH_MAX ? `nested deeper than ${DEPTH_MAX} levels` : `more than ${NODES_MAX} values`;
      this.#report.faultAt(at, path, found, 'write the settings out flat, with fewer aliases or none');
      return null;
    }
    if (isAlias(node)) return this.#follow(node, at, path, depth);
    if (isScalar(node)) {
      this.#remember(node, at, path);
      return node.value;
    }
    if (isSeq(node)) {
      this.#remember(node, at, path);
      return node.items.map((item, index) => {
        const inner = [...path, index];
        this.#report.places.set(pathText(inner), item === null ? at : this.#place(offsetOf(item)));
        return this.build(item, inner, depth + 1);
      });
    }
    if (isMap(node)) {
      this.#remember(node, at, path);
      return this.#mapping(node.items, path, depth);
    }
    return null;
  }

  #mapping(pairs: readonly { key: unknown; value: unknown }[], path: KeyPath, depth: number): Record<string, unknown> {
    const built: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      const at = this.#place(offsetOf(key));
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.#report.faultAt(at, path, 'a key that is not a plain name', 'write the key out');
        continue;
      }
      const name = key.value;
      const inner = [...path, name];
      if (name === '__proto__') {
        this.#report.faultAt(at, inner, 'unknown key "__proto__"', 'remove it');
        continue;
      }
      if (name === '<<') {
        this.#report.faultAt(
          at,
          inner,
          'merge keys (<<) are not part of YAML 1.2',
          'repeat the settings, or use an alias',
        );
        continue;
      }
      if (Object.hasOwn(built, name)) {
        const first = this.#report.places.get(pathText(inner));
        const found = `${quote(name)} is given twice; the first is on line ${first?.line ?? 0}`;
        this.#report.faultAt(at, inner, found, 'keep one of them');
        continue;
      }
      this.#report.places.set(pathText(inner), at);
      built[name] = this.build(value, inner, depth + 1);
    }
    return built;
  }

  #remember(node: Node & { anchor?: string }, at: Place, path: KeyPath): void {
    if (node.anchor === undefined) return;
    const known = this.#anchors.get(node.anchor);
    if (known !== undefined && known !== node) {
      this.#report.faultAt(at, path, 'an anchor (&) of this name exists already', 'give each anchor its own name');
      return;
    }
    this.#anchors.set(node.anchor, node);
  }

  #follow(alias: Alias, at: Place, path: KeyPath, depth: number): unknown {
    const target = this.#anchors.get(alias.source);
    if (target !== undefined) return this.build(target, path, depth + 1);
    const remedy = 'put quotes around a text that begins with *, or define the anchor (&) above';
    this.#report.faultAt(at, path, 'an alias (*) to nothing', remedy);
    return null;
  }
}

function offsetOf(node: unknown): number {
  const range = (node as { range?: readonly [number, number, number] | null } | null)?.range;
  return range?.[0] ?? 0;
}

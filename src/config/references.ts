import { resolve } from 'node:path';
import { readText } from './files.ts';
import type { Report } from './report.ts';
import { isMapping } from './schema-tree.ts';
import { didYouMean, type KeyPath, pathText, quote } from './words.ts';

/** Longest file behind a `file:` reference, bytes: a key or token, never a download. */
export const REFERENCED_BYTES_MAX = 65_536;

export interface ReferenceContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative `file:` paths start here: the folder of the configuration file. */
  readonly directory: string;
}

/**
 * Puts values in the place of references, in every text of a tree: `${NAME}`, `${NAME:-default}` from the environment,
 * `file:/path` as a whole value from a file, whose last line end is dropped. `$${` stands for a plain `${`.
 *
 * What comes out of a reference is not looked at again, so a value can never turn into another reference.
 *
 * @param value   A tree of plain values; returned changed, never mutated.
 * @param report  Receives problems, and which values came from references.
 * @throws  Never.
 */
export function resolveReferences(
  value: unknown,
  report: Report,
  context: ReferenceContext,
  path: KeyPath = [],
): unknown {
  if (typeof value === 'string') return resolveText(value, report, context, path);
  if (Array.isArray(value)) {
    return value.map((item, index) => resolveReferences(item, report, context, [...path, index]));
  }
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolveReferences(item, report, context, [...path, key])]),
  );
}

function resolveText(text: string, report: Report, context: ReferenceContext, path: KeyPath): string {
  if (!text.startsWith('file:')) return expand(text, report, context, path);
  const name = expand(text.slice('file:'.length), report, context, path);
  report.references.set(pathText(path), text);
  if (!report.sound(path)) return '';
  const read = name === '' ? { ok: false as const, found: 'has no path', remedy: 'write file:/path' } : undefined;
  const result = read ?? readText(resolve(context.directory, name), REFERENCED_BYTES_MAX);
  if (result.ok) return result.text.replace(/\r?\n$/, '');
  report.fault(path, `the file of ${quote(text)} ${result.found}`, result.remedy);
  return '';
}

const OPENING = '${';

/** An escaped opening, a whole reference, or an opening that leads nowhere. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

function expand(text: string, report: Report, context: ReferenceContext, path: KeyPath): string {
  if (!text.includes('${')) return text;
  return text.replace(REFERENCE, (match: string, name: string | undefined, fallback: string | undefined) => {
    if (match === '$${') return '${';
    if (name === undefined) {
      report.fault(
        path,
        `a reference ${OPENING} that is not complete`,
        `write ${OPENING}NAME} or ${OPENING}NAME:-default}; $${OPENING} for a plain ${OPENING}`,
      );
      return '';
    }
    report.references.set(pathText(path), text);
    const found = Object.hasOwn(context.env, name) ? context.env[name] : undefined;
    // As in a shell, `:-` also stands in for an empty variable.
    if (found !== undefined && (found !== '' || fallback === undefined)) return found;
    if (fallback !== undefined) return fallback;
    const otherwise = `set it, or write ${OPENING}${name}:-default}`;
    report.fault(
      path,
      `the environment variable ${name} is not set`,
      didYouMean(name, Object.keys(context.env), otherwise),
    );
    return '';
  });
}

import { Ajv, type ErrorObject } from 'ajv';
import { envName, SHORT_NAMES } from './env-names.ts';
import type { Report } from './report.ts';
import { UPSTREAM_NAME } from './schema.ts';
import { OWN_KEYWORDS } from './schema-kit.ts';
import {
  isMapping,
  isRecord,
  isScalar,
  kindAsked,
  kindOf,
  type ObjectNode,
  rangeText,
  SCHEMA,
  type ScalarNode,
  type SchemaNode,
} from './schema-tree.ts';
import { leafText, leaves, schemaAt, valueAt } from './schema-walk.ts';
import { didYouMean, either, type KeyPath, nearest, pathText, quote, withArticle } from './words.ts';

const ajv = new Ajv({ strict: true, allErrors: true, coerceTypes: false, useDefaults: false, validateFormats: false });
ajv.addVocabulary([...OWN_KEYWORDS]);
const check = ajv.compile(SCHEMA);

/**
 * Holds what was said against the schema: unknown keys, kinds, ranges, forms, missing keys. Nothing is coerced.
 *
 * @param tree    Plain values, references resolved, defaults not filled in.
 * @param report  Receives every problem, with a remedy in the operator's words.
 * @throws  Never.
 */
export function validateShape(tree: unknown, report: Report): void {
  if (check(tree)) return;
  const errors = (check.errors ?? []).map((error) => ({ error, path: keyPath(tree, error.instancePath) }));
  // A mistyped required key is one mistake, not an unknown key and a missing one.
  const meant = new Set<string>();
  for (const { error, path } of errors) {
    if (error.keyword === 'additionalProperties') {
      const name = noteUnknownKey(path, String(error.params.additionalProperty), report);
      if (name !== undefined) meant.add(JSON.stringify([...path, name]));
    }
  }
  for (const { error, path } of errors) {
    if (error.keyword === 'required') {
      const inner = [...path, String(error.params.missingProperty)];
      if (meant.has(JSON.stringify(inner))) report.distrust(inner);
      else report.fault(inner, 'is missing', remedyForMissing(inner));
    } else if (error.keyword !== 'additionalProperties') {
      noteValue(error, path, valueAt(tree, path), report);
    }
  }
}

/** @returns The known key that was likely meant. */
function noteUnknownKey(path: KeyPath, key: string, report: Report): string | undefined {
  const inner = [...path, key];
  const node = schemaAt(SCHEMA, path);
  if (node !== undefined && node.type === 'object' && isRecord(node)) {
    const kind = path[0] === 'rateLimits' ? 'a rate limit' : 'an upstream';
    report.fault(inner, `${quote(key)} is not a name for ${kind}`, `use ${UPSTREAM_NAME.form}`);
    return undefined;
  }
  const known = Object.keys((node as ObjectNode | undefined)?.properties ?? {});
  const name = nearest(key, known);
  report.fault(
    inner,
    `unknown key ${quote(key)}`,
    name === undefined ? homeOf(key, known) : `did you mean ${quote(name)}?`,
  );
  return name;
}

/** Where a key that is unknown here is known, or what is known here. */
function homeOf(key: string, known: readonly string[]): string {
  const homes = new Set<string>();
  for (const { path } of leaves(SCHEMA)) {
    for (const [at, part] of path.entries()) {
      if (part === key) homes.add(at === 0 ? 'the top level' : leafText(path.slice(0, at)));
    }
  }
  if (homes.size > 0 && homes.size <= 3) return `it belongs to ${either([...homes])}`;
  return `known here: ${known.join(', ')}`;
}

function remedyForMissing(path: KeyPath): string {
  const node = schemaAt(SCHEMA, path);
  return `add it: ${node?.description ?? 'it is required'}`;
}

function noteValue(error: ErrorObject, path: KeyPath, value: unknown, report: Report): void {
  const node = schemaAt(SCHEMA, path);
  // A reference that could not be resolved, or a first problem with this value, has been named.
  if (node === undefined || !report.sound(path)) return;
  const words = wordsFor(error, node, path, value, report);
  if (words !== undefined) report.fault(path, ...words);
}

/** @returns What was found and what to do; undefined where another error says the same. */
function wordsFor(
  { keyword, params, message }: ErrorObject,
  node: SchemaNode,
  path: KeyPath,
  value: unknown,
  report: Report,
): [found: string, remedy: string] | undefined {
  const scalar = node as ScalarNode;
  const shown = report.show(path, value);
  switch (keyword) {
    case 'type':
      return [
        `expected ${withArticle(kindAsked(node))}, found ${found(value, shown)}`,
        remedyForKind(node, path, value, report),
      ];
    case 'enum': {
      // A wrong kind is named by its own error.
      if (typeof value !== 'string') return undefined;
      const choices = scalar.enum ?? [];
      return [`${shown} is not allowed`, didYouMean(value, choices, `write ${either(choices)}`)];
    }
    case 'minimum':
    case 'maximum':
      return [`${shown} is out of range`, `write ${rangeText(scalar)}`];
    case 'pattern':
      return [`${shown} has a form that is not allowed`, `write ${scalar.form ?? 'another'}`];
    case 'minLength':
      return ['is empty or too short', `write it: ${node.description ?? 'a longer text'}`];
    case 'minItems':
      return ['an empty list', `write at least ${params.limit as number}: ${node.description ?? ''}`];
    case 'maxItems':
      return ['too many items', `write at most ${params.limit as number}`];
    default:
      return [`${shown} is not allowed`, message ?? 'see docs/config.md'];
  }
}

function found(value: unknown, shown: string): string {
  const kind = kindOf(value);
  return kind === 'nothing' || /^an? /.test(shown) || shown.startsWith('the value') ? shown : `${kind} ${shown}`;
}

function remedyForKind(node: SchemaNode, path: KeyPath, value: unknown, report: Report): string {
  if (report.references.has(pathText(path)) && isScalar(node)) {
    return `references work in texts only: remove the key and set ${variableFor(path)}`;
  }
  if (value === null) return `write a value, or remove the key${node.type === 'array' ? '; [] is the empty list' : ''}`;
  if (node.type === 'array') return isMapping(value) ? 'begin each item with "- "' : 'write it as a list: [ ... ]';
  if (node.type === 'object') return 'write its keys below it, indented';
  if (node.type === 'string') return 'put quotes around it';
  if (typeof value !== 'string') {
    return node.type === 'boolean' ? 'write true or false' : `write ${rangeText(node as ScalarNode)}`;
  }
  if (node.type === 'boolean' && (value === 'true' || value === 'false')) return 'remove the quotes';
  if (node.type === 'integer' && /^\d+$/.test(value)) {
    return `remove the quotes; to set it from outside use ${variableFor(path)}`;
  }
  if (node.type === 'boolean') return `write true or false; to set it from outside use ${variableFor(path)}`;
  return `write ${rangeText(node as ScalarNode) || 'a number'}; to set it from outside use ${variableFor(path)}`;
}

function variableFor(path: KeyPath): string {
  const short = Object.entries(SHORT_NAMES).find(([, other]) => pathText(other) === pathText(path));
  return short === undefined ? envName(path.map(String)) : short[0];
}

/** A JSON pointer as a key path: a part is an index where the value above it is a list. */
function keyPath(tree: unknown, pointer: string): KeyPath {
  const path: (string | number)[] = [];
  for (const raw of pointer.split('/').slice(1)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(valueAt(tree, path)) ? Number(part) : part);
  }
  return path;
}

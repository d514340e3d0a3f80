import {
  envSegment,
  isReserved,
  isServiceAddress,
  isServiceLink,
  PREFIX,
  RESERVED_NAMES,
  SHORT_NAMES,
} from './env-names.ts';
import type { Report } from './report.ts';
import {
  isMapping,
  isRecord,
  isScalar,
  rangeText,
  recordItem,
  SCHEMA,
  type ScalarNode,
  type SchemaNode,
} from './schema-tree.ts';
import { leaves, valueAt } from './schema-walk.ts';
import { either, type KeyPath, nearest, pathText, quote } from './words.ts';

interface Target {
  readonly path: KeyPath;
  readonly node: SchemaNode;
}

/**
 * Lays settings from the environment over what the file says.
 *
 * @param tree    What the file says; returned changed, never mutated.
 * @param env     Variables; those without our prefix are not looked at.
 * @param report  Receives problems, and which variable set what.
 * @throws  Never.
 */
export function overlayEnvironment(
  tree: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
  report: Report,
): Record<string, unknown> {
  const result = structuredClone(tree) as Record<string, unknown>;
  // In natural order, so that item 2 of a list is there before item 10 is asked for.
  const names = Object.keys(env).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  for (const name of names) {
    const text = env[name];
    if (!name.startsWith(PREFIX) || text === undefined || isReserved(name)) continue;
    const target = findTarget(name, text, result, report);
    if (target === undefined) continue;
    const other = report.variables.get(pathText(target.path));
    const value = readValue(name, text, target, report);
    if (value === undefined) continue;
    if (other !== undefined && JSON.stringify(valueAt(result, target.path)) !== JSON.stringify(value)) {
      report.faultOf(name, target.path, `says something else than ${other}`, 'set only one of the two');
      continue;
    }
    report.variables.set(pathText(target.path), name);
    put(result, target.path, value);
  }
  return result;
}

function findTarget(name: string, text: string, tree: unknown, report: Report): Target | undefined {
  const short = SHORT_NAMES[name];
  const found = [...match(SCHEMA, tree, name.slice(PREFIX.length), [])];
  if (Object.hasOwn(SHORT_NAMES, name) && short !== undefined) {
    const row = [...leaves(SCHEMA)].find((leaf) => pathText(leaf.path) === pathText(short));
    if (row !== undefined) found.push({ path: short, node: row.node });
  }
  const [first, ...others] = found;
  if (first === undefined) {
    if (!isServiceLink(name, text)) noteUnknown(name, tree, report);
    return undefined;
  }
  if (others.length > 0) {
    const paths = found.map((target) => pathText(target.path));
    report.faultOf(name, [], `could mean ${either(paths)}`, 'set it in the file instead');
    return undefined;
  }
  return first;
}

/** Every setting that the rest of a variable's name can stand for. */
function* match(node: SchemaNode, value: unknown, rest: string, path: KeyPath): Generator<Target> {
  if (isScalar(node)) {
    if (rest === '') yield { path, node };
    return;
  }
  if (node.type === 'array') {
    if (isScalar(node.items)) {
      if (rest === '') yield { path, node };
      return;
    }
    const [, digits, inner] = /^(0|[1-9]\d{0,4})_(.+)$/.exec(rest) ?? [];
    if (digits === undefined || inner === undefined) return;
    const index = Number(digits);
    const items = Array.isArray(value) ? value : [];
    // One past the end adds an item; further would leave a gap.
    if (index <= items.length) yield* match(node.items, items[index], inner, [...path, index]);
    return;
  }
  const names = isRecord(node) ? Object.keys(isMapping(value) ? value : {}) : Object.keys(node.properties);
  for (const name of names) {
    const child = isRecord(node) ? recordItem(node) : node.properties[name];
    const segment = envSegment(name);
    if (child === undefined || !(rest === segment || rest.startsWith(`${segment}_`))) continue;
    const inner = isMapping(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    yield* match(child, inner, rest.slice(segment.length + 1), [...path, name]);
  }
}

function noteUnknown(name: string, tree: unknown, report: Report): void {
  const item = /^SALLYPORT_([A-Z_]+?)_(\d+)_/.exec(name);
  const upstreams = isMapping(tree) && isMapping(tree.upstreams) ? Object.keys(tree.upstreams) : [];
  const near = nearest(
    name.slice(PREFIX.length),
    [...knownNames(tree)].map((known) => known.slice(PREFIX.length)),
  );
  let otherwise = 'docs/config.md lists every name; remove it if it is not meant for the gateway';
  if (name.startsWith('SALLYPORT_UPSTREAMS_')) {
    otherwise =
      upstreams.length === 0
        ? 'the configuration has no upstreams; define them in the file'
        : `known upstreams: ${upstreams
            .slice(0, 12)
            .map((one) => quote(one))
            .join(', ')}; define others in the file`;
  } else if (item !== null) {
    otherwise = 'indices count from 0 without a gap: the next free one adds an item';
  }
  const onlyIndex = near !== undefined && near.replace(/\d+/g, 'N') === name.slice(PREFIX.length).replace(/\d+/g, 'N');
  report.faultOf(
    name,
    [],
    'unknown setting',
    near === undefined || onlyIndex ? otherwise : `did you mean ${PREFIX}${near}?`,
  );
}

/** Names that would have been right: of every setting, with the indices and record names there are. */
function* knownNames(tree: unknown): Generator<string> {
  yield* RESERVED_NAMES;
  yield* Object.keys(SHORT_NAMES);
  yield* namesOf(SCHEMA, tree, 'SALLYPORT');
}

function* namesOf(node: SchemaNode, value: unknown, name: string): Generator<string> {
  if (isScalar(node)) yield name;
  else if (node.type === 'array') {
    if (isScalar(node.items)) yield name;
    else {
      // Far lists would make the search long for little help.
      const items = Array.isArray(value) ? value.slice(0, 100) : [];
      for (let index = 0; index <= items.length; index += 1) {
        yield* namesOf(node.items, items[index], `${name}_${index}`);
      }
    }
  } else {
    const keys = isRecord(node)
      ? Object.keys(isMapping(value) ? value : {}).slice(0, 100)
      : Object.keys(node.properties);
    for (const key of keys) {
      const child = isRecord(node) ? recordItem(node) : node.properties[key];
      const inner = isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
      if (child !== undefined) yield* namesOf(child, inner, `${name}_${envSegment(key)}`);
    }
  }
}

/** A variable's text as the value its setting asks for; undefined when a problem was noted. */
function readValue(name: string, text: string, target: Target, report: Report): unknown {
  const { node, path } = target;
  if (isScalar(node)) return readScalar(name, text, node, path, report);
  if (node.type !== 'array' || !isScalar(node.items)) return undefined;
  const { items: item } = node;
  if (text.trim() === '') return [];
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) {
    report.faultOf(name, path, 'a list with an empty item', 'write items with one comma between them');
    return undefined;
  }
  const values = items.map((one, index) => readScalar(name, one, item, [...path, index], report));
  return values.includes(undefined) ? undefined : values;
}

function readScalar(name: string, text: string, node: ScalarNode, path: KeyPath, report: Report): unknown {
  if (node.type === 'string') return text;
  const shown = text === '' ? 'an empty text' : quote(text);
  if (node.type === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    report.faultOf(name, path, `expected true or false, found ${shown}`, 'write true or false');
    return undefined;
  }
  if (/^(0|-?[1-9]\d{0,15})$/.test(text)) return Number(text);
  const remedy = isServiceAddress(text)
    ? 'Kubernetes sets this for a service of that name: set enableServiceLinks: false in the pod'
    : `write digits only${rangeText(node) === '' ? '' : `, ${rangeText(node)}`}`;
  report.faultOf(name, path, `expected an integer, found ${shown}`, remedy);
  return undefined;
}

/** Sets a value, making the mappings and list items on its way; leaves a file's wrong kinds for the schema to name. */
function put(tree: Record<string, unknown>, path: KeyPath, value: unknown): void {
  let holder: Record<string | number, unknown> = tree;
  for (const [at, part] of path.entries()) {
    if (at === path.length - 1) {
      holder[part] = value;
      return;
    }
    const next = Object.hasOwn(holder, part) ? holder[part] : undefined;
    if (next === undefined || next === null) holder[part] = typeof path[at + 1] === 'number' ? [] : {};
    else if (typeof next !== 'object') return;
    holder = holder[part] as Record<string | number, unknown>;
  }
}

import { isMapping, isRecord, isScalar, recordItem, type ScalarNode, type SchemaNode } from './schema-tree.ts';
import type { KeyPath } from './words.ts';

/** A part of a pattern path: a name, or the place of a list's index or a record's name. */
export const INDEX = '[N]';
export const NAME = 'NAME';

/** The node that rules a value, or undefined where the schema knows none. */
export function schemaAt(root: SchemaNode, path: KeyPath): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const part of path) {
    if (node === undefined || isScalar(node)) return undefined;
    if (node.type === 'array') node = typeof part === 'number' ? node.items : undefined;
    else if (isRecord(node)) node = typeof part === 'string' ? recordItem(node) : undefined;
    else node = Object.hasOwn(node.properties, part) ? node.properties[part] : undefined;
  }
  return node;
}

/** The value at a path, own keys only; undefined where there is none. */
export function valueAt(tree: unknown, path: KeyPath): unknown {
  let value = tree;
  for (const part of path) {
    if (Array.isArray(value)) value = typeof part === 'number' ? value[part] : undefined;
    else value = isMapping(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }
  return value;
}

/** What must be kept of a value below a path: `secret` when the node, or a node above it, is one. */
export function wordsAt(root: SchemaNode, path: KeyPath): { secret: boolean } {
  for (let length = path.length; length > 0; length -= 1) {
    if (schemaAt(root, path.slice(0, length))?.secret === true) return { secret: true };
  }
  return { secret: false };
}

/** A row of the schema with its pattern path: `upstreams`, `NAME`, `targets`, `[N]`, `weight`. */
export interface Leaf {
  readonly path: readonly string[];
  /** A scalar, or a list of scalars. */
  readonly node: SchemaNode;
  readonly scalar: ScalarNode;
  readonly isList: boolean;
}

/** Every setting, in the order of the schema. */
export function* leaves(node: SchemaNode, path: readonly string[] = []): Generator<Leaf> {
  if (isScalar(node)) yield { path, node, scalar: node, isList: false };
  else if (node.type === 'array') {
    if (isScalar(node.items)) yield { path, node, scalar: node.items, isList: true };
    else yield* leaves(node.items, [...path, INDEX]);
  } else if (isRecord(node)) yield* leaves(recordItem(node), [...path, NAME]);
  else {
    for (const [name, child] of Object.entries(node.properties)) yield* leaves(child, [...path, name]);
  }
}

/** `upstreams.NAME.targets[N].weight`. */
export function leafText(path: readonly string[]): string {
  return path.join('.').replaceAll(`.${INDEX}`, INDEX);
}

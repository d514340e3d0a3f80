import type { Route } from '../transaction.ts';
import { type Leaf, leafOf } from './leaf.ts';
import { type Pattern, parsePattern } from './pattern.ts';

/** A node of the radix tree over the characters of one host's patterns, as it is built; `table.ts` lays it out. */
export class Node {
  /** Characters on the way from the parent to this node, after the first, which `children` is indexed by. */
  label: Uint8Array;
  /** Child by next character, less `firstCode`. */
  children: (Node | null)[] = [];
  firstCode = 0;
  /** Goes on after a segment of any text; only on nodes behind a slash. */
  parameter: Node | null = null;
  /** A pattern ends here. */
  end: Leaf | null = null;
  /** A `*` begins here. */
  rest: Leaf | null = null;

  constructor(label: Uint8Array) {
    this.label = label;
  }
}

interface Entry {
  readonly pattern: Pattern;
  readonly leaf: Leaf;
}

/**
 * Builds the tree of one host.
 *
 * @param routes  The routes that serve it.
 * @param host    Its name, for errors.
 * @throws  SallyportError SP_CONFIG for a pattern that is malformed, or two routes for one host, path and method.
 */
export function buildTree(routes: readonly Route[], host: string): Node {
  const byShape = new Map<string, { pattern: Pattern; routes: Route[] }>();
  for (const route of routes) {
    for (const text of new Set(route.config.paths)) {
      const pattern = parsePattern(text);
      const shape = shapeOf(pattern);
      const known = byShape.get(shape);
      if (known === undefined) byShape.set(shape, { pattern, routes: [route] });
      else if (!known.routes.includes(route)) known.routes.push(route);
    }
  }
  const root = new Node(new Uint8Array(0));
  const entries: Entry[] = [];
  for (const { pattern, routes: own } of byShape.values())
    entries.push({ pattern, leaf: leafOf(own, pattern.text, host) });
  for (const { pattern, leaf } of entries) insert(root, pattern, leaf);
  // `/a/*` matches `/a` as well, where no pattern that ends there does: hence after all the others.
  for (const { pattern, leaf } of entries) if (endsWithRest(pattern)) insertBare(root, pattern, leaf);
  return root;
}

/** Parameter names do not tell requests apart: `/{a}` and `/{b}` are one path. */
function shapeOf(pattern: Pattern): string {
  const part = (segment: Pattern['segments'][number]) => {
    if (segment.kind === 'literal') return segment.text;
    return segment.kind === 'parameter' ? '{}' : '*';
  };
  return pattern.segments.map(part).join('/');
}

function endsWithRest(pattern: Pattern): boolean {
  return pattern.segments[pattern.segments.length - 1]?.kind === 'rest';
}

function insert(root: Node, pattern: Pattern, leaf: Leaf): void {
  const node = nodeFor(root, pattern, pattern.segments.length);
  if (endsWithRest(pattern)) node.rest = leaf;
  else node.end = leaf;
}

function insertBare(root: Node, pattern: Pattern, leaf: Leaf): void {
  const count = pattern.segments.length - 1;
  if (count === 0) return;
  nodeFor(root, pattern, count).end ??= leaf;
}

/** The node at the end of the first `count` segments, made where there is none; a rest is the node of its slash. */
function nodeFor(root: Node, pattern: Pattern, count: number): Node {
  let node = root;
  let text = '';
  for (const segment of pattern.segments.slice(0, count)) {
    text += '/';
    if (segment.kind === 'literal') text += segment.text;
    else if (segment.kind === 'parameter') {
      node = descend(node, text);
      text = '';
      node.parameter ??= new Node(new Uint8Array(0));
      node = node.parameter;
    }
  }
  return descend(node, text);
}

/** Walks down static text; a label that goes another way in its middle is split there. */
function descend(from: Node, text: string): Node {
  let node = from;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const index = code - node.firstCode;
    const child = index >= 0 ? (node.children[index] ?? null) : null;
    at += 1;
    if (child === null) {
      const added = new Node(bytesOf(text.slice(at)));
      setChild(node, code, added);
      return added;
    }
    const shared = sharedLength(child.label, text, at);
    at += shared;
    if (shared < child.label.length) {
      const middle = new Node(child.label.subarray(0, shared));
      setChild(middle, child.label[shared] as number, child);
      child.label = child.label.subarray(shared + 1);
      setChild(node, code, middle);
      node = middle;
    } else node = child;
  }
  return node;
}

function sharedLength(label: Uint8Array, text: string, at: number): number {
  let length = 0;
  while (length < label.length && at + length < text.length && label[length] === text.charCodeAt(at + length)) {
    length += 1;
  }
  return length;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** `children` spans the lowest to the highest code, holes are null: one subtraction and one load find a child. */
function setChild(node: Node, code: number, child: Node): void {
  if (node.children.length === 0) node.firstCode = code;
  if (code < node.firstCode) {
    const gap = new Array<Node | null>(node.firstCode - code).fill(null);
    node.children = [...gap, ...node.children];
    node.firstCode = code;
  }
  const index = code - node.firstCode;
  while (node.children.length <= index) node.children.push(null);
  node.children[index] = child;
}

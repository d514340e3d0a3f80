// hot path: synchronous, never throws
import { HOSTS_REMEMBERED_MAX } from '../limits.ts';
import type { Route } from '../transaction.ts';
import { buildHostTrees, type HostTrees } from './hosts.ts';
import type { Leaf, MethodMiss, Node } from './tree.ts';

export type { MethodMiss } from './tree.ts';

export interface RouteMiss {
  readonly kind: 'not-found';
}

export interface Router {
  /**
   * @param host    As `hostName` gives it: lower case, no port.
   * @param path    Normalised path.
   * @param method  Case-sensitive method.
   * @returns The route, or why there is none; allocates nothing for hosts seen lately.
   */
  find(host: string, path: string, method: string): Route | RouteMiss | MethodMiss;
}

/**
 * Compiles routes into one radix tree per host, so that a look-up costs by the length of the path, not by the number of
 * routes.
 *
 * Order: the exact host, else the longest wildcard, else routes without hosts; the first that exists decides, without a
 * look at the others. Then the path, segment by segment: literal before parameter before rest, going back where a
 * branch ends. Then the method: the most specific path has the last word, with 405, so that a wider route never takes
 * what a narrower one refused.
 *
 * @param routes  Any order; it decides nothing.
 * @throws  SallyportError SP_CONFIG for a malformed path, or two routes for one host, path and method.
 *
 * Threads: one instance per thread, for its memory of hosts.
 */
export function compileRouter(routes: readonly Route[]): Router {
  const trees = buildHostTrees(routes);
  if (trees.exact.size === 0 && trees.wildcard.size === 0) {
    const { every } = trees;
    return Object.freeze({ find: (_host: string, path: string, method: string) => findIn(every, path, method) });
  }
  let seen = new Map<string, Node | null>(trees.exact);
  return Object.freeze({
    find: (host: string, path: string, method: string) => {
      let tree = seen.get(host);
      if (tree === undefined) {
        tree = treeOf(trees, host);
        // A stranger who makes up names may fill the memory, but not grow it.
        if (seen.size >= trees.exact.size + HOSTS_REMEMBERED_MAX) seen = new Map(trees.exact);
        seen.set(host, tree);
      }
      return findIn(tree, path, method);
    },
  });
}

const NOT_FOUND: RouteMiss = Object.freeze({ kind: 'not-found' });
const SLASH = 0x2f;

function treeOf(trees: HostTrees, host: string): Node | null {
  const exact = trees.exact.get(host);
  if (exact !== undefined) return exact;
  if (trees.wildcard.size > 0) {
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const tree = trees.wildcard.get(host.slice(dot));
      if (tree !== undefined) return tree;
    }
  }
  return trees.every;
}

function findIn(tree: Node | null, path: string, method: string): Route | RouteMiss | MethodMiss {
  const leaf = tree === null ? null : walk(tree, path, 0);
  return leaf === null ? NOT_FOUND : choose(leaf, method);
}

function choose(leaf: Leaf, method: string): Route | MethodMiss {
  const { methods } = leaf;
  for (let i = 0; i < methods.length; i += 1) {
    if (methods[i] === method) return leaf.routes[i] as Route;
  }
  if (leaf.any === null || method === 'CONNECT' || method === 'TRACE') return leaf.miss;
  return leaf.any;
}

/**
 * The most specific leaf for what is left of `path`. A node is reached by one way only, so however many branches end in
 * nothing, no node is looked at twice; the recursion is as deep as a pattern has parameters.
 */
function walk(from: Node, path: string, start: number): Leaf | null {
  let node = from;
  let at = start;
  let fallback: Leaf | null = null;
  for (;;) {
    if (node.rest !== null) fallback = node.rest;
    if (at === path.length) return node.end ?? fallback;
    const code = path.charCodeAt(at);
    const child = childOf(node, code);
    const after = child === null ? -1 : afterLabel(child.label, path, at + 1);
    if (node.parameter === null) {
      if (child === null || after === -1) return fallback;
      node = child;
      at = after;
      continue;
    }
    if (child !== null && after !== -1) {
      const leaf = walk(child, path, after);
      if (leaf !== null) return leaf;
    }
    // A parameter is never empty.
    if (code === SLASH) return fallback;
    at = segmentEnd(path, at + 1);
    node = node.parameter;
  }
}

function childOf(node: Node, code: number): Node | null {
  const index = code - node.firstCode;
  // Out of bounds, and below zero above all, an array look-up leaves the fast way.
  return index >= 0 && index < node.children.length ? (node.children[index] as Node | null) : null;
}

/** @returns  Position in `path` after the label; -1 when it is not there. */
function afterLabel(label: Uint8Array, path: string, at: number): number {
  const end = at + label.length;
  if (end > path.length) return -1;
  for (let i = 0; i < label.length; i += 1) {
    if (label[i] !== path.charCodeAt(at + i)) return -1;
  }
  return end;
}

function segmentEnd(path: string, from: number): number {
  let at = from;
  while (at < path.length && path.charCodeAt(at) !== SLASH) at += 1;
  return at;
}

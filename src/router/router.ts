// hot path: synchronous, never throws
import { HOSTS_REMEMBERED_MAX } from '../limits.ts';
import type { Route } from '../transaction.ts';
import { buildHosts, type HostRoots } from './hosts.ts';
import type { Leaf, MethodMiss } from './leaf.ts';
import { CHILD_COUNT, END, FIRST_CODE, LABEL, LABEL_LENGTH, NONE, PARAMETER, REST, type RouteTable } from './table.ts';

export type { MethodMiss } from './leaf.ts';

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
  const roots = buildHosts(routes);
  const { table } = roots;
  if (roots.exact.size === 0 && roots.wildcard.size === 0) {
    const { every } = roots;
    return Object.freeze({ find: (_host: string, path: string, method: string) => findIn(table, every, path, method) });
  }
  let seen = new Map<string, number>(roots.exact);
  return Object.freeze({
    find: (host: string, path: string, method: string) => {
      let root = seen.get(host);
      if (root === undefined) {
        root = rootOf(roots, host);
        // A stranger who makes up names may fill the memory, but not grow it.
        if (seen.size >= roots.exact.size + HOSTS_REMEMBERED_MAX) seen = new Map(roots.exact);
        seen.set(host, root);
      }
      return findIn(table, root, path, method);
    },
  });
}

const NOT_FOUND: RouteMiss = Object.freeze({ kind: 'not-found' });
const SLASH = 0x2f;

function rootOf(roots: HostRoots, host: string): number {
  const exact = roots.exact.get(host);
  if (exact !== undefined) return exact;
  if (roots.wildcard.size > 0) {
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const root = roots.wildcard.get(host.slice(dot));
      if (root !== undefined) return root;
    }
  }
  return roots.every;
}

function findIn(table: RouteTable, root: number, path: string, method: string): Route | RouteMiss | MethodMiss {
  const position = root === NONE ? NONE : walk(table.words, root, path, 0);
  return position === NONE ? NOT_FOUND : choose(table.leaves[position] as Leaf, method);
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
 *
 * @returns Position of the leaf, or NONE.
 */
function walk(words: Int32Array, from: number, path: string, start: number): number {
  let node = from;
  let at = start;
  let fallback = NONE;
  for (;;) {
    const rest = words[node + REST] as number;
    if (rest !== NONE) fallback = rest;
    if (at === path.length) {
      const end = words[node + END] as number;
      return end === NONE ? fallback : end;
    }
    const code = path.charCodeAt(at);
    const child = childOf(words, node, code);
    const after = child === NONE ? NONE : afterLabel(words, child, path, at + 1);
    const parameter = words[node + PARAMETER] as number;
    if (parameter === NONE) {
      if (after === NONE) return fallback;
      node = child;
      at = after;
      continue;
    }
    if (after !== NONE) {
      const leaf = walk(words, child, path, after);
      if (leaf !== NONE) return leaf;
    }
    // A parameter is never empty.
    if (code === SLASH) return fallback;
    at = segmentEnd(path, at + 1);
    node = parameter;
  }
}

function childOf(words: Int32Array, node: number, code: number): number {
  const index = code - (words[node + FIRST_CODE] as number);
  if (index < 0 || index >= (words[node + CHILD_COUNT] as number)) return NONE;
  return words[node + LABEL + (words[node + LABEL_LENGTH] as number) + index] as number;
}

/** @returns  Position in `path` after the node's label; NONE when it is not there. */
function afterLabel(words: Int32Array, node: number, path: string, at: number): number {
  const length = words[node + LABEL_LENGTH] as number;
  if (at + length > path.length) return NONE;
  const label = node + LABEL;
  for (let i = 0; i < length; i += 1) {
    if (words[label + i] !== path.charCodeAt(at + i)) return NONE;
  }
  return at + length;
}

function segmentEnd(path: string, from: number): number {
  let at = from;
  while (at < path.length && path.charCodeAt(at) !== SLASH) at += 1;
  return at;
}

import { ROUTE_SEGMENTS_MAX } from '../limits.ts';

/**
 * What is wrong with a route's path pattern, or undefined when nothing is.
 *
 * Patterns are compared with normalised paths, so one that is not normalised itself could never match, or would read
 * as if it guarded something it does not.
 *
 * @param pattern  Begins with `/`, printable ASCII: the schema saw to that.
 * @returns What was found, and the remedy.
 */
export function whyNotPattern(pattern: string): [found: string, remedy: string] | undefined {
  const plain = whyNotPath(pattern);
  if (plain !== undefined) return plain;
  const segments = pattern.slice(1).split('/');
  const names = new Set<string>();
  for (const [index, segment] of segments.entries()) {
    if (segment === '*') {
      if (index < segments.length - 1) return ['has * before its end', 'use {name} for one segment; * stands last'];
    } else if (segment.includes('*')) {
      return ['has * inside a segment', 'let * be the whole last segment, as in /files/*'];
    } else if (/[{}]/.test(segment)) {
      const name = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(segment)?.[1];
      if (name === undefined) return ['has a parameter that is not a whole segment', 'write it as /{name}/'];
      if (names.has(name)) return [`has the parameter {${name}} twice`, 'give each its own name'];
      names.add(name);
    }
  }
  return undefined;
}

/** Like `whyNotPattern` for a prefix: no parameters, no `*`, and no slash at its end: it ends with a segment. */
export function whyNotPrefix(prefix: string): [found: string, remedy: string] | undefined {
  if (prefix === '') return undefined;
  if (prefix.endsWith('/')) return ['ends with a slash', 'leave the last / out'];
  if (/[{}*]/.test(prefix)) return ['has a parameter or *', 'write the plain beginning of the path'];
  return whyNotPath(prefix);
}

/** Two patterns of one shape match the same paths: parameter names do not count. */
export function patternShape(pattern: string): string {
  return pattern.replace(/\{[^/}]*\}/g, '{}');
}

/** True when every path that matches `pattern` lies below `prefix`, whole segments counted. */
export function isBelow(pattern: string, prefix: string): boolean {
  return pattern === prefix || pattern.startsWith(`${prefix}/`);
}

function whyNotPath(path: string): [found: string, remedy: string] | undefined {
  if (/[?#]/.test(path)) return ['has a query or fragment', 'leave out ? or # and what follows'];
  if (path.includes('\\')) return ['has a backslash', 'write /'];
  if (path.includes('//')) return ['has //, which no normalised path has', 'write one /'];
  if (/(^|\/)\.{1,2}(\/|$)/.test(path)) return ['has a . or .. segment, which no normalised path has', 'write it out'];
  if (/\/\.{0,2}(;|%3B)/.test(path))
    return ['has a parameter without a segment, which is always refused', 'remove the ;'];
  if (path.split('/').length - 1 > ROUTE_SEGMENTS_MAX) {
    return [`has more than ${ROUTE_SEGMENTS_MAX} segments`, 'end it earlier with /*'];
  }
  const raw = /["<>[\]^`|]/.exec(path)?.[0];
  if (raw !== undefined) {
    const triplet = `%${raw.charCodeAt(0).toString(16).toUpperCase()}`;
    return [`has ${raw}, which normalised paths have as ${triplet}`, `write ${triplet}`];
  }
  const triplet = path.match(/%.{0,2}/g)?.find((text) => !isNormalTriplet(text));
  if (triplet === undefined) return undefined;
  return [
    `has ${triplet}, which no normalised path has`,
    'write letters, digits and -._~ plain, others as %XX in capitals',
  ];
}

/** Normalisation keeps these alone: capitals, and neither an unreserved character nor one that is always refused. */
function isNormalTriplet(text: string): boolean {
  if (!/^%[0-9A-F]{2}$/.test(text)) return false;
  const code = Number.parseInt(text.slice(1), 16);
  return code >= 0x20 && code !== 0x7f && code !== 0x5c && !/[A-Za-z0-9._~-]/.test(String.fromCharCode(code));
}

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

/** Like `whyNotPattern` for a prefix: no parameters and no `*`. */
export function whyNotPrefix(prefix: string): [found: string, remedy: string] | undefined {
  if (prefix === '') return undefined;
  if (/[{}*]/.test(prefix)) return ['has a parameter or *', 'write the plain beginning of the path'];
  return whyNotPath(prefix);
}

/** Two patterns of one shape match the same paths: parameter names do not count. */
export function patternShape(pattern: string): string {
  return pattern.replace(/\{[^/}]*\}/g, '{}');
}

/** True when every path that matches `pattern` lies below `prefix`, whole segments counted. */
export function isBelow(pattern: string, prefix: string): boolean {
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return pattern === base || pattern.startsWith(`${base}/`);
}

function whyNotPath(path: string): [found: string, remedy: string] | undefined {
  if (path.includes('%')) return ['has a percent sign', 'write the path decoded, as it is compared'];
  if (/[?#]/.test(path)) return ['has a query or fragment', 'leave out ? or # and what follows'];
  if (path.includes('\\')) return ['has a backslash', 'write /'];
  if (path.includes('//')) return ['has //, which no normalised path has', 'write one /'];
  if (/(^|\/)\.{1,2}(\/|$)/.test(path)) return ['has a . or .. segment, which no normalised path has', 'write it out'];
  return undefined;
}

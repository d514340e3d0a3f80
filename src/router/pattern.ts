import { SallyportError } from '../errors.ts';
import { ROUTE_SEGMENTS_MAX } from '../limits.ts';

/**
 * A route's path, read: `/a/b` is [literal a, literal b]; `/a/{id}/b` has a parameter between; `/a/*` ends with a rest.
 * A trailing slash is an empty literal at the end. `/` is one empty literal.
 */
export interface Pattern {
  readonly text: string;
  readonly segments: readonly Segment[];
}

export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  /** One segment that is not empty. */
  | { readonly kind: 'parameter'; readonly name: string }
  /** The last one: any segments, none included. */
  | { readonly kind: 'rest' };

/**
 * @param text  As configured: begins with `/`; `{name}` and `*` stand for whole segments, `*` only at the end.
 * @throws  SallyportError SP_CONFIG for a pattern that could never match, or not what it seems to.
 */
export function parsePattern(text: string): Pattern {
  if (!text.startsWith('/')) throw invalid(text, 'does not begin with a slash', 'put one before it');
  const parts = text.slice(1).split('/');
  if (parts.length > ROUTE_SEGMENTS_MAX) {
    throw invalid(text, `has more than ${ROUTE_SEGMENTS_MAX} segments`, 'end it earlier with /*');
  }
  const names = new Set<string>();
  const segments = parts.map((part, index) => {
    const segment = parseSegment(text, part, index === parts.length - 1);
    if (segment.kind === 'parameter') {
      if (names.has(segment.name)) throw invalid(text, `has two parameters {${segment.name}}`, 'rename one');
      names.add(segment.name);
    }
    return segment;
  });
  return Object.freeze({ text, segments: Object.freeze(segments) });
}

/**
 * The parameters of a route's path, for policies that ask for them.
 *
 * @param patterns  The patterns of one route, from `sortPatterns`: the first that matches is the one the router took.
 * @param path      Normalised path.
 * @returns Values as they stand in the path, percent-encoded; without prototype, so that no name is special. Empty when
 *          no pattern matches.
 */
export function pathParameters(patterns: readonly Pattern[], path: string): Record<string, string> {
  const parts = path.slice(1).split('/');
  for (const pattern of patterns) {
    const values = valuesOf(pattern, parts);
    if (values !== null) return values;
  }
  return emptyRecord();
}

/** Most specific first: segment by segment, literal before parameter before rest. */
export function sortPatterns(patterns: readonly Pattern[]): Pattern[] {
  return [...patterns].sort(compareSpecificity);
}

/** @returns  Negative when `a` is more specific than `b`; 0 for patterns of one shape. */
function compareSpecificity(a: Pattern, b: Pattern): number {
  const length = Math.max(a.segments.length, b.segments.length);
  for (let i = 0; i < length; i += 1) {
    const difference = rankOf(a.segments[i]) - rankOf(b.segments[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `/a` ends where `/a/*` goes on with a rest of nothing: the end is the better match. */
function rankOf(segment: Segment | undefined): number {
  if (segment === undefined || segment.kind === 'literal') return 0;
  return segment.kind === 'parameter' ? 1 : 2;
}

function valuesOf(pattern: Pattern, parts: readonly string[]): Record<string, string> | null {
  const values = emptyRecord();
  let index = 0;
  for (const segment of pattern.segments) {
    if (segment.kind === 'rest') return values;
    const part = parts[index];
    index += 1;
    if (part === undefined) return null;
    if (segment.kind === 'literal') {
      if (part !== segment.text) return null;
    } else {
      if (part === '') return null;
      values[segment.name] = part;
    }
  }
  return index === parts.length ? values : null;
}

function emptyRecord(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

const PARAMETER = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/;
/** pchar without `*` (RFC 3986 3.3); triplets are looked at by themselves. */
const LITERAL = /^[A-Za-z0-9._~!$&'()+,;=:@%-]*$/;
/** A triplet in the form that normalisation leaves: upper-case digits, and no character that needs none. */
const TRIPLET = /^%[0-9A-F]{2}/;
const UNRESERVED = /^[A-Za-z0-9._~-]$/;

function parseSegment(text: string, part: string, isLast: boolean): Segment {
  if (part === '*') {
    if (!isLast) throw invalid(text, 'has a * that is not its end', 'write {name} for one segment');
    return Object.freeze({ kind: 'rest' });
  }
  const name = PARAMETER.exec(part)?.[1];
  if (name !== undefined) return Object.freeze({ kind: 'parameter', name });
  checkLiteral(text, part, isLast);
  return Object.freeze({ kind: 'literal', text: part });
}

/** Requests are normalised before they are matched: a literal that normalisation would change can never match. */
function checkLiteral(text: string, part: string, isLast: boolean): void {
  if (part === '' && !isLast) throw invalid(text, 'has an empty segment', 'write one slash');
  if (part === '.' || part === '..') throw invalid(text, 'has a dot segment', 'write the path without it');
  if (/[{}]/.test(part)) throw invalid(text, `has "${part}"`, 'a parameter is a whole segment: /{name}/');
  if (part.includes('*')) throw invalid(text, `has "${part}"`, 'a * is a whole segment at the end: /*');
  if (!LITERAL.test(part)) throw invalid(text, `has "${part}"`, 'percent-encode what is no letter, digit or pchar');
  for (let at = part.indexOf('%'); at !== -1; at = part.indexOf('%', at + 1)) {
    const triplet = part.slice(at, at + 3);
    const character = TRIPLET.test(triplet) ? String.fromCharCode(Number.parseInt(triplet.slice(1), 16)) : '';
    if (character === '' || UNRESERVED.test(character)) {
      throw invalid(text, `has "${triplet}"`, 'write unreserved characters as they are, others as %XX in upper case');
    }
  }
}

function invalid(text: string, found: string, remedy: string): SallyportError {
  return new SallyportError('SP_CONFIG', `path "${text}" ${found}; ${remedy}`, { path: text });
}

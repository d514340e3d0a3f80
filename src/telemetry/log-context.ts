import { ERRORS } from '../errors.ts';
import { clipped } from './json-text.ts';

const DEPTH_MAX = 6;
const MEMBERS_MAX = 100;
/** Values in one line: nested members multiply, and a cycle would be followed to the depth. */
const VALUES_MAX = 1_000;
const TEXT_LENGTH_MAX = 8_192;
const REDACTED = '[redacted]';

/** Members that pino writes itself: a second one of the name would win over the true one in most parsers. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'msg']);

/** What pino writes between quotes without looking at it: anything else in a name could end the quotes. */
const NAME_UNSAFE = /[^ !#-[\]-~]/g;

/** Walk over one context: what may still be written. */
interface Walk {
  readonly secret: ReadonlySet<string>;
  valuesLeft: number;
}

/**
 * Compiles the copier of log contexts: a plain, bounded, redacted copy of whatever a caller hands in.
 *
 * @param redact  Names of members whose values are replaced at any depth; case does not matter.
 * @returns A function that never fails: getters that do are written as `[unreadable: ...]`. An Error given as the whole
 *          context becomes `{ err }`.
 */
export function compileScrub(redact: readonly string[]): (context: object) => Record<string, unknown> {
  const secret = new Set(redact.map((name) => name.toLowerCase()));
  return (context) => {
    const walk: Walk = { secret, valuesLeft: VALUES_MAX };
    if (context instanceof Error) return { err: errorFacts(context, walk, DEPTH_MAX) };
    const copy = members(Object.keys(context), (name) => Reflect.get(context, name), walk, DEPTH_MAX);
    return Object.fromEntries(
      Object.entries(copy).map(([name, value]) => {
        const safe = name.replace(NAME_UNSAFE, '_');
        return [RESERVED.has(safe) ? `${safe}_` : safe, value];
      }),
    );
  };
}

function plain(value: unknown, walk: Walk, depth: number): unknown {
  if (walk.valuesLeft-- <= 0) return '[too much]';
  switch (typeof value) {
    case 'string':
      return clipped(value, TEXT_LENGTH_MAX);
    case 'number':
      // JSON has no NaN and no Infinity.
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      return value === null ? null : plainObject(value, walk, depth);
    case 'function':
      return '[function]';
    default:
      return String(value);
  }
}

function plainObject(value: object, walk: Walk, depth: number): unknown {
  if (value instanceof Error) return errorFacts(value, walk, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  // A URL may carry a password and, in its query, tokens.
  if (value instanceof URL) return value.origin + value.pathname;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return `[${value.byteLength} bytes]`;
  }
  if (depth === 0) return Array.isArray(value) ? '[array]' : '[object]';
  if (Array.isArray(value) || value instanceof Set) {
    const items = Array.isArray(value) ? value.slice(0, MEMBERS_MAX) : [...value].slice(0, MEMBERS_MAX);
    const left = (Array.isArray(value) ? value.length : value.size) - items.length;
    const copy = items.map((item) => plain(item, walk, depth - 1));
    return left > 0 ? [...copy, `[+${left}]`] : copy;
  }
  if (value instanceof Map) {
    const entries = new Map([...value].map(([name, item]) => [String(name), item as unknown]));
    return members([...entries.keys()], (name) => entries.get(name), walk, depth);
  }
  return members(Object.keys(value), (name) => Reflect.get(value, name), walk, depth);
}

function members(
  names: readonly string[],
  read: (name: string) => unknown,
  walk: Walk,
  depth: number,
): Record<string, unknown> {
  // No prototype: a member named __proto__ is a member like any other.
  const copy: Record<string, unknown> = Object.create(null);
  for (const name of names.slice(0, MEMBERS_MAX)) {
    const hidden = walk.secret.has(name.toLowerCase()) && !isErrorCode(name, read, walk);
    copy[name] = hidden ? REDACTED : readable(() => read(name), walk, depth - 1);
  }
  if (names.length > MEMBERS_MAX) copy['...'] = `[+${names.length - MEMBERS_MAX}]`;
  return copy;
}

/**
 * `code` is the name of a secret in a query (RFC 6749 4.1.2) and of the most useful member of an error: one that reads
 * like `SP_UPSTREAM_RESET` or `ECONNREFUSED` is written.
 */
function isErrorCode(name: string, read: (name: string) => unknown, walk: Walk): boolean {
  if (name !== 'code') return false;
  const value = readable(() => read(name), walk, 0);
  return typeof value === 'string' && (Object.hasOwn(ERRORS, value) || ERRNO.test(value));
}

const ERRNO = /^E(?:RR_)?[A-Z][A-Z0-9_]{1,47}$/;

/** What an error has to say: its own members too, since `code`, `errno`, `address` and `context` are such. */
function errorFacts(error: Error, walk: Walk, depth: number): Record<string, unknown> {
  const facts: Record<string, unknown> = {
    type: readable(() => error.constructor.name, walk, 0),
    message: readable(() => error.message, walk, 0),
    stack: readable(() => error.stack, walk, 0),
  };
  if (depth <= 0) return facts;
  const more = Object.keys(error).filter((name) => name !== 'name' && !(name in facts));
  Object.assign(
    facts,
    members(more, (name) => Reflect.get(error, name), walk, depth),
  );
  if (error.cause !== undefined) facts.cause = readable(() => error.cause, walk, depth - 1);
  // Of a connection tried at several addresses, each failure.
  if (error instanceof AggregateError) facts.errors = readable(() => error.errors, walk, depth - 1);
  return facts;
}

function readable(read: () => unknown, walk: Walk, depth: number): unknown {
  try {
    return plain(read(), walk, depth);
  } catch (error) {
    return `[unreadable: ${error instanceof Error ? error.message : typeof error}]`;
  }
}

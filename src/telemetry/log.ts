import { type Logger, pino } from 'pino';
import { asciiOnly } from './json-text.ts';
import { compileScrub } from './log-context.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

type Write = (context: object, message: string) => void;

/** The log as the rest of the program sees it: facts first, then one fixed sentence. */
export interface Log {
  readonly level: LogLevel;
  readonly trace: Write;
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly fatal: Write;
  /** The same log with these facts in every line. */
  child(bindings: object): Log;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `log.redact`: names of members whose values are never written, at any depth, whatever their case. */
  readonly redact: readonly string[];
  /** Facts in every line, such as `{ thread: 3 }`. */
  readonly base: object;
  /** Takes each line: one JSON object in printable ASCII, without LF. */
  readonly sink: (line: string) => void;
}

/**
 * The one door to pino. Lines have pino's form, `time` in milliseconds since the epoch; errors are written with type,
 * message, stack, code and causes, under `err` or wherever they stand. Values are copied, so that later changes do not
 * matter, and bounded, so that one careless call cannot flood the log.
 *
 * Calls below the level cost nothing but the call.
 */
export function createLog({ level, redact, base, sink }: LogOptions): Log {
  const scrub = compileScrub(redact);
  const logger = pino(
    // Errors are already plain objects here; pino's own serializer would take them for errors of type Object.
    { level, base: scrub(base), serializers: { err: (value: unknown) => value } },
    { write: (line: string) => sink(asciiOnly(line.endsWith('\n') ? line.slice(0, -1) : line)) },
  );
  return wrap(logger, level, scrub);
}

function wrap(logger: Logger, level: LogLevel, scrub: (context: object) => Record<string, unknown>): Log {
  const at = (name: Exclude<LogLevel, 'silent'>): Write =>
    logger.isLevelEnabled(name) ? (context, message) => logger[name](scrub(context), message) : nothing;
  return Object.freeze({
    level,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (bindings: object) => wrap(logger.child(scrub(bindings)), level, scrub),
  });
}

function nothing(): void {
  // Below the level.
}

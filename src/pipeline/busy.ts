// hot path: synchronous, never throws
import { STATUS_CODES } from 'node:http';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { type Refusal, refuse } from '../verdict.ts';

/**
 * A refusal for want of room, in the form of a rate limit's.
 *
 * @param seconds  Whole, >= 1: after them another try is worth it.
 */
export function busy(
  code: Extract<ErrorCode, 'SP_SHED' | 'SP_THROTTLED' | 'SP_CONCURRENCY'>,
  seconds: number,
): Refusal {
  const { status, detail } = ERRORS[code];
  const message = `${detail} Please wait ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
  return refuse(
    code,
    undefined,
    ['retry-after', String(seconds)],
    `"error":"${STATUS_CODES[status]}","message":"${message}","retry_after":${seconds}`,
  );
}

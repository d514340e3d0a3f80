// hot path: synchronous, never throws
import { STATUS_CODES } from 'node:http';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { type Refusal, refuse } from '../verdict.ts';

/**
 * A refusal that tells, in its fields and its body alike, when another try is worth it.
 *
 * @param seconds   Whole, >= 1.
 * @param sentence  Begins the message.
 */
export function retryLater(
  code: Extract<ErrorCode, 'SP_RATE_LIMITED' | 'SP_SHED' | 'SP_THROTTLED' | 'SP_CONCURRENCY' | 'SP_WAF_BUSY'>,
  seconds: number,
  sentence: string = ERRORS[code].detail,
): Refusal {
  const message = `${sentence} Please wait ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
  return refuse(
    code,
    undefined,
    ['retry-after', String(seconds)],
    `"error":"${STATUS_CODES[ERRORS[code].status]}","message":"${message}","retry_after":${seconds}`,
  );
}

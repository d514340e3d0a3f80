import type { RunScript } from '../base/run-script.ts';
import type { RecordChannel } from '../records/record-channel.ts';
import { redisRecords } from '../records/redis-records.ts';
import { SECONDS_MAX } from './record.ts';

/** Longer than any revocation lasts. */
const KEPT_SECONDS = SECONDS_MAX + 2 * 86_400;

/** Revocations shared through Redis. @param prefix  Begins every key; without braces. */
export function redisRevocations(run: RunScript, prefix: string): RecordChannel {
  return redisRecords(run, { prefix, things: 'revocations', keptSeconds: KEPT_SECONDS });
}

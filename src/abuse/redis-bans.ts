import type { RunScript } from '../base/run-script.ts';
import type { RecordChannel } from '../records/record-channel.ts';
import { redisRecords } from '../records/redis-records.ts';

/** Longer than any ban is remembered. */
const KEPT_SECONDS = 6_000_000;

/** Bans shared through Redis. @param prefix  Begins every key; without braces. */
export function redisBans(run: RunScript, prefix: string): RecordChannel {
  return redisRecords(run, { prefix, things: 'bans', keptSeconds: KEPT_SECONDS });
}

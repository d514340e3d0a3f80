import type { Config } from '../../src/config/schema.ts';
import { TrafficKeeper } from '../../src/gateway/traffic-keeper.ts';
import { ThreadTraffic } from '../../src/http/thread-traffic.ts';

/** Queues and bounds of a process with one thread. */
export function freshTraffic(config: Config): { keeper: TrafficKeeper; thread: ThreadTraffic } {
  const keeper = new TrafficKeeper(1);
  return { keeper, thread: new ThreadTraffic(keeper.words, 0, config) };
}

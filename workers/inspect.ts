import { InspectThread } from '../src/pipeline/inspect-thread.ts';
import type { InspectTask } from '../src/pipeline/inspect-wire.ts';

/** Piscina task: one inspect thread, until the gateway stops. */
export default function inspect(task: InspectTask): Promise<void> {
  return InspectThread.serve(task);
}

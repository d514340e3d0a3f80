import { startModSecurity, WITHOUT_MODSECURITY } from '../../support/modsecurity.ts';
import type { Executor } from './executor.ts';
import { type KnownDifferences, MODSECURITY_DIFFERENCES } from './known-differences.ts';
import { SocketExecutor } from './socket-executor.ts';

/** Something that the tests of a rule set can be run against. */
export interface Engine {
  /** Its list of overrides, beside rules/ and tests/; null where it answers for every test as written. */
  readonly overridesFile: string | null;
  readonly known: KnownDifferences;
  /** Why it cannot run here; false for no reason. */
  readonly missing: string | false;
  /** One executor over the rule set in a folder, each on a server or engine of its own. */
  start(folder: string): Promise<Executor>;
}

/** By the name that `--engine` takes. */
export const ENGINES: Readonly<Record<string, Engine>> = {
  modsecurity: {
    overridesFile: 'nginx-overrides.yaml',
    known: MODSECURITY_DIFFERENCES,
    missing: WITHOUT_MODSECURITY,
    start: async (folder) => new SocketExecutor(await startModSecurity({ folder, engine: 'DetectionOnly' })),
  },
};

import type { Case } from './cases.ts';
import { Field } from './field.ts';
import type { LoadProcess } from './load.ts';
import type { Peer } from './peers/peer.ts';
import { planOf } from './plan.ts';
import { type RoundRow, runRounds } from './rounds.ts';
import type { Workspace } from './workspace.ts';

export interface SideBySideOptions {
  readonly rounds: number;
  /** In one round. */
  readonly requests: number;
  readonly load: LoadProcess;
  readonly workspace: Workspace;
}

/**
 * Rounds of one case between variants of one proxy. None has a duty to prove, so nothing but the rounds is run.
 *
 * @throws ServerError when a server does not start, or ends.
 */
export async function runSideBySide(
  one: Case,
  peers: readonly Peer[],
  { rounds, requests, load, workspace }: SideBySideOptions,
): Promise<readonly RoundRow[]> {
  const plan = planOf(one, { rounds, requests, quick: false });
  const { requestsAllowed } = plan;
  const field = await Field.start(one, { peers, ruleSet: null, workspace, requestsAllowed });
  try {
    return await runRounds(one, field, { plan, load, credentials: workspace.credentials(), say: () => undefined });
  } finally {
    await field.stop();
  }
}

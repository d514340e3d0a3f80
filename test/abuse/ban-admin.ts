import { startTestAdmin } from '../support/admin-server.ts';
import { machine } from './keeper-support.ts';

/** A machine with bans and its admin listener on loopback, which closes with the test file. */
export async function startBanAdmin(token = '') {
  const { keeper, lines, leftMs } = machine();
  return { keeper, lines, leftMs, ...(await startTestAdmin({ bans: keeper }, token)) };
}

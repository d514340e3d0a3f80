import { startTestAdmin } from '../support/admin-server.ts';
import { fileDesk } from './support.ts';

/** Keys in a file and their admin listener on loopback, which closes with the test file. */
export async function startKeyAdmin(token = '') {
  const desk = await fileDesk(undefined, 3_000);
  return { ...desk, ...(await startTestAdmin({ keys: desk.keeper }, token)) };
}

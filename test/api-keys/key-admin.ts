import { after } from 'node:test';
import { type AdminServer, startAdmin } from '../../src/admin/server.ts';
import { fileDesk } from './support.ts';

const servers: AdminServer[] = [];
after(async () => {
  for (const server of servers) await server.close();
});

/** Keys in a file and their admin listener on loopback, which closes with the test file. */
export async function startKeyAdmin(token = '') {
  const desk = await fileDesk(undefined, 3_000);
  const refused: object[] = [];
  const server = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token,
    metrics: async () => '',
    ready: () => ({ ready: true }),
    reload: async () => ({ ok: true, generation: 2 }),
    status: () => ({}),
    keys: desk.keeper,
    log: { warn: (context) => refused.push(context), error: (context) => refused.push(context) },
  });
  servers.push(server);
  return { ...desk, refused, port: server.port, url: `http://127.0.0.1:${server.port}` };
}

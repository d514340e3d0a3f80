import { after } from 'node:test';
import { type AdminServer, startAdmin } from '../../src/admin/server.ts';
import { machine } from './keeper-support.ts';

const servers: AdminServer[] = [];
after(async () => {
  for (const server of servers) await server.close();
});

/** A machine with bans and its admin listener on loopback, which closes with the test file. */
export async function startBanAdmin(token = '') {
  const { keeper, lines, leftMs } = machine();
  const refused: object[] = [];
  const server = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token,
    metrics: async () => '',
    ready: () => ({ ready: true }),
    reload: async () => ({ ok: true, generation: 2 }),
    status: () => ({}),
    bans: keeper,
    log: { warn: (context) => refused.push(context), error: (context) => refused.push(context) },
  });
  servers.push(server);
  return { keeper, lines, leftMs, refused, port: server.port, url: `http://127.0.0.1:${server.port}` };
}

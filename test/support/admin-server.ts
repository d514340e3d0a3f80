import { after } from 'node:test';
import { type AdminOptions, type AdminServer, startAdmin } from '../../src/admin/server.ts';

const servers: AdminServer[] = [];
after(async () => {
  for (const server of servers) await server.close();
});

/** An admin listener on loopback over some desks, which closes with the test file. @returns  Also what it logged. */
export async function startTestAdmin(
  desks: Pick<AdminOptions, 'bans' | 'keys' | 'revocations' | 'patches'>,
  token = '',
) {
  const refused: object[] = [];
  const server = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token,
    metrics: async () => '',
    ready: () => ({ ready: true }),
    reload: async () => ({ ok: true, generation: 2 }),
    status: () => ({}),
    ...desks,
    log: { warn: (context) => refused.push(context), error: (context) => refused.push(context) },
  });
  servers.push(server);
  return { refused, port: server.port, url: `http://127.0.0.1:${server.port}` };
}

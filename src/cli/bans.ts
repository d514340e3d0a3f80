import type { Command } from 'commander';
import { type AdminClientOptions, askAdmin, parseAnswer, printable } from './admin-client.ts';
import { EXIT_OK } from './exit-codes.ts';
import { clientOf, listRecords, ORDER_MS_MAX, refused, type Where, whereOptions, wholeNumber } from './records.ts';

/** Adds `bans list`, `bans add` and `bans lift` to the program. @param keep  Takes the exit code. */
export function addBansCommand(program: Command, keep: (code: Promise<number>) => Promise<void>): void {
  const bans = program.command('bans').description('see, make and lift the bans of a running gateway');
  const here = (name: string): Command => whereOptions(bans.command(name));
  here('list')
    .description('list running bans, newest first')
    .option('-k, --key <key>', 'only bans of this key')
    .option('-n, --limit <count>', 'at most so many', wholeNumber, 100)
    .action((options: Where & { key?: string; limit: number }) =>
      keep(listRecords(clientOf(options), { ...options, things: 'bans', describe: describeBan })),
    );
  here('add')
    .description('ban an address for some time')
    .argument('<address>', 'one IPv4 or IPv6 address')
    .requiredOption('-s, --seconds <seconds>', 'how long', wholeNumber)
    .option('-r, --reason <words>', 'why, for the list and the log', '')
    .option('--rule <name>', 'as if this rule had made it', 'manual')
    .action((value: string, options: Where & { seconds: number; reason: string; rule: string }) => {
      const { seconds, reason, rule } = options;
      return keep(addBan(clientOf(options), { rule, kind: 'address', value, seconds, reason }));
    });
  here('lift')
    .description('end a ban, on every machine that shares it, and forget its strikes')
    .argument('<id>', 'from the list')
    .action((id: string, options: Where) => keep(liftBan(clientOf(options), id)));
}

/** @returns Exit code: 0 when the ban is in force. */
export async function addBan(client: AdminClientOptions, order: object): Promise<number> {
  const answer = await askAdmin(client, { method: 'POST', target: '/bans', body: order, timeoutMs: ORDER_MS_MAX });
  if ('failure' in answer || !answer.ok) return refused(answer);
  console.log(`banned: ${describeBan(parseAnswer(answer.text))}`);
  return EXIT_OK;
}

/** @returns Exit code: 0 when the ban ran and runs no more. */
export async function liftBan(client: AdminClientOptions, id: string): Promise<number> {
  const target = `/bans/${encodeURIComponent(id)}`;
  const answer = await askAdmin(client, { method: 'DELETE', target, timeoutMs: ORDER_MS_MAX });
  if ('failure' in answer || !answer.ok) return refused(answer);
  console.log(`lifted: ${describeBan(parseAnswer(answer.text))}`);
  return EXIT_OK;
}

/** One line for a ban: id, key, rule and kind, end, strikes, node, reason. */
function describeBan(ban: Record<string, unknown>): string {
  const words = [ban.id, ban.value, `${ban.rule}/${ban.kind}`, `until ${ban.until}`, `strike ${ban.strikes}`, ban.node];
  const reason = ban.reason === '' ? [] : [`(${ban.reason})`];
  return printable([...words, ...reason].join('  '));
}

import type { Command } from 'commander';
import { type AdminClientOptions, askAdmin, parseAnswer, printable } from './admin-client.ts';
import { EXIT_OK } from './exit-codes.ts';
import { clientOf, listRecords, ORDER_MS_MAX, refused, type Where, whereOptions, wholeNumber } from './records.ts';

interface RevokeOptions extends Where {
  readonly issuer?: string;
  readonly seconds?: number;
  readonly until?: string;
  readonly issuedUntil?: string;
  readonly reason: string;
}

/** Adds `revoke` with its kinds, and `revocations list` and `lift`. @param keep  Takes the exit code. */
export function addRevocationCommands(program: Command, keep: (code: Promise<number>) => Promise<void>): void {
  const revoke = program.command('revoke').description('refuse a token, a person, a client or an API key from now on');
  const kind = (name: string, value: string, description: string): Command =>
    whereOptions(revoke.command(name))
      .description(description)
      .argument(`<${value}>`)
      .option('-s, --seconds <seconds>', 'how long', wholeNumber)
      .option('--until <moment>', 'until when, such as 2030-01-31T12:00:00Z')
      .option('-r, --reason <words>', 'why, for the list and the log', '')
      .action((text: string, options: RevokeOptions) => keep(addRevocation(clientOf(options), name, text, options)));
  const ofIssuer = (command: Command): Command =>
    command.requiredOption('-i, --issuer <name>', 'who issued it: a name under issuers, introspection or logins');
  const issuedUntil = (command: Command): Command =>
    command.option('--issued-until <moment>', 'only tokens issued until then, or until now; the default is all');
  ofIssuer(kind('token', 'jti', 'refuse one token; say at least how long it lives'));
  issuedUntil(ofIssuer(kind('subject', 'sub', 'refuse the tokens of a person')));
  issuedUntil(ofIssuer(kind('client', 'client_id', 'refuse the tokens of a client')));
  kind('key', 'id', 'refuse an API key at once; `keys revoke` takes it away for good');

  const revocations = program.command('revocations').description('see and lift the revocations of a running gateway');
  whereOptions(revocations.command('list'))
    .description('list revocations that hold, newest first')
    .option('-k, --key <value>', 'only those of this jti, sub, client or key')
    .option('-n, --limit <count>', 'at most so many', wholeNumber, 100)
    .action((options: Where & { key?: string; limit: number }) =>
      keep(listRecords(clientOf(options), { ...options, things: 'revocations', describe: describeRevocation })),
    );
  whereOptions(revocations.command('lift'))
    .description('end a revocation, on every machine that shares it')
    .argument('<id>', 'from the list')
    .action((id: string, options: Where) => keep(liftRevocation(clientOf(options), id)));
}

/** @returns Exit code: 0 when the revocation holds. */
async function addRevocation(
  client: AdminClientOptions,
  kind: string,
  value: string,
  { issuer, seconds, until, issuedUntil, reason }: RevokeOptions,
): Promise<number> {
  const body = { kind, issuer, value, seconds, until, issuedUntil, reason };
  const answer = await askAdmin(client, { method: 'POST', target: '/revocations', body, timeoutMs: ORDER_MS_MAX });
  if ('failure' in answer || !answer.ok) return refused(answer);
  return told('revoked', parseAnswer(answer.text));
}

/** @returns Exit code: 0 when the revocation held and holds no more. */
async function liftRevocation(client: AdminClientOptions, id: string): Promise<number> {
  const target = `/revocations/${encodeURIComponent(id)}`;
  const answer = await askAdmin(client, { method: 'DELETE', target, timeoutMs: ORDER_MS_MAX });
  if ('failure' in answer || !answer.ok) return refused(answer);
  return told('lifted', parseAnswer(answer.text));
}

function told(what: string, revocation: Record<string, unknown>): number {
  console.log(`${what}: ${describeRevocation(revocation)}`);
  if (revocation.saved !== true) console.error('it is not on disk: a restart may forget it (revocations.file)');
  return EXIT_OK;
}

/** One line: id, kind, issuer, value, end, tokens meant, node, reason. */
function describeRevocation(revocation: Record<string, unknown>): string {
  const { id, kind, issuer, value, until, issuedUntil, node, reason } = revocation;
  const name = issuer === '' ? kind : `${kind}/${issuer}`;
  const issued = issuedUntil === null ? [] : [`issued until ${issuedUntil}`];
  const words = [id, name, value, `until ${until}`, ...issued, node, ...(reason === '' ? [] : [`(${reason})`])];
  return printable(words.join('  '));
}

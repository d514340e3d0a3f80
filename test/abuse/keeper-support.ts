import { after } from 'node:test';
import { banFile } from '../../src/abuse/ban-file.ts';
import { BanKeeper } from '../../src/abuse/ban-keeper.ts';
import { BanTable } from '../../src/abuse/ban-table.ts';
import { createBanWords } from '../../src/abuse/layout.ts';
import type { BanMade } from '../../src/abuse/wire.ts';
import { saltOf } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import type { RecordChannel } from '../../src/records/record-channel.ts';
import { abuseOf, judgeOf } from './support.ts';

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly context: Record<string, unknown>;
}

export interface NodeOptions {
  readonly name?: string;
  readonly file?: string;
  readonly channel?: RecordChannel;
  readonly bansMax?: number;
  readonly abuse?: ReturnType<typeof abuseOf>;
  readonly clock?: { wallMs: number; steadyMs: number };
}

/** A test that fails in the middle must not keep its process. */
const keepers: BanKeeper[] = [];
after(async () => {
  for (const keeper of keepers) await keeper.stop();
});

/** A machine: a keeper and one thread of its own, with a clock that the test sets. */
export function machine(options: NodeOptions = {}) {
  const { name = 'n1', bansMax = 1_024, abuse = abuseOf({ probing: { failures: 1 } }) } = options;
  const clock = options.clock ?? { wallMs: 1_800_000_000_000, steadyMs: 5_000_000 };
  const words = createBanWords(bansMax);
  const table = new BanTable(words);
  const lines: Line[] = [];
  const at = (level: string) => (context: object, message: string) =>
    void lines.push({ level, message, context: context as Record<string, unknown> });
  const keeper = new BanKeeper({
    table,
    hash: new KeyHash(1, 2),
    saltOf,
    node: name,
    log: () => ({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }),
    file: options.file === undefined ? null : banFile(options.file, bansMax),
    channel: options.channel ?? null,
    clocks: { wallMs: () => clock.wallMs, steadyMs: () => clock.steadyMs },
    saveEveryMs: 1,
    shareEveryMs: 20,
  });
  keeper.configure({ abuse, ipv6PrefixBits: 64 });
  keepers.push(keeper);
  const made: BanMade[] = [];
  const judge = judgeOf(words, createLimiterWords(1_024, 0), abuse, (ban) => made.push(ban));
  return {
    keeper,
    table,
    judge,
    lines,
    made,
    clock,
    pass(ms: number): void {
      clock.wallMs += ms;
      clock.steadyMs += ms;
    },
    /** A failure of a client, and what the thread tells of it. */
    fail(client: string): void {
      judge.ended({ client }, 404, null, clock.steadyMs);
      for (const ban of made.splice(0)) keeper.receive(ban);
    },
    leftMs: (client: string) => judge.leftMs({ client }, clock.steadyMs),
    bans: (key: string | null = null) => keeper.list({ limit: 1_000, after: null, key }).bans,
  };
}

import { banFile } from '../../src/abuse/ban-file.ts';
import { BanKeeper } from '../../src/abuse/ban-keeper.ts';
import { BanTable } from '../../src/abuse/ban-table.ts';
import { createBanWords } from '../../src/abuse/layout.ts';
import { saltOf } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { abuseOf } from './support.ts';

/** A process that bans without end, and says on standard output when it begins to write the file, and how many bans
 * each finished writing held. */
const path = process.argv[2] as string;

const file = banFile(path, 65_536);
const write = file.write.bind(file);
file.write = async (lines) => {
  process.stdout.write('begins\n');
  await write(lines);
  process.stdout.write(`saved ${lines.length}\n`);
};

const nothing = (): void => undefined;
const keeper = new BanKeeper({
  table: new BanTable(createBanWords(65_536)),
  hash: new KeyHash(3, 4),
  saltOf,
  node: 'n1',
  log: () => ({
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (context) => process.stdout.write(`error ${JSON.stringify(context)}\n`),
  }),
  file,
  channel: null,
  saveEveryMs: 5,
});
keeper.configure({ abuse: abuseOf({}), ipv6PrefixBits: 64 });
await keeper.start();
let next = keeper.size;
const ban = (): void => {
  for (let i = 0; i < 10; i += 1, next += 1) {
    const value = `10.${next >> 16}.${(next >> 8) & 255}.${next & 255}`;
    keeper.add({ rule: 'manual', value, seconds: 3_600, reason: 'x'.repeat(next % 200) }, 'test');
  }
  setTimeout(ban, 2);
};
ban();

import { FileStore } from '../../src/api-keys/file-store.ts';
import { deskOver, TERMS } from './support.ts';

/**
 * Makes and changes keys in the file named by its argument until it is killed, and says each change on standard output
 * once it was acknowledged: `made ID KEY` and `revoked ID`.
 */
const [path = ''] = process.argv.slice(2);
const { keeper } = deskOver(
  (book, log) => new FileStore(path, 'a secret of more than thirty-two characters', book, log),
  1e6,
);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function churn(worker: number): Promise<void> {
  for (let i = 0; ; i += 1) {
    const answer = await keeper.create({ ...TERMS, name: `key ${worker} ${i}` }, '');
    if (!answer.ok) throw new Error(answer.words);
    say(`made ${answer.key.id} ${answer.key.key}`);
    if (i % 3 !== 0) continue;
    const revoked = await keeper.revoke(answer.key.id, '');
    if (!revoked.ok) throw new Error(revoked.words);
    say(`revoked ${answer.key.id}`);
  }
}

await keeper.start();
say('started');
await Promise.all([0, 1, 2].map(churn));

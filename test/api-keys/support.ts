import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { FileStore } from '../../src/api-keys/file-store.ts';
import { KeyBook } from '../../src/api-keys/key-book.ts';
import { KeyKeeper } from '../../src/api-keys/key-keeper.ts';
import { type KeyFacts, KeyRing } from '../../src/api-keys/key-ring.ts';
import type { KeyStore } from '../../src/api-keys/key-store.ts';
import type { KeyWithSecret } from '../../src/api-keys/orders.ts';
import type { KeyTerms } from '../../src/api-keys/record.ts';

export const SECRET = 'a secret of more than thirty-two characters';
export const ENVIRONMENT = 'test';
/** Names that keys of these tests may refer to. */
export const NAMES = { rateLimits: ['gold', 'silver'], routes: ['orders', 'people'] };

export const TERMS: KeyTerms = {
  name: 'deploy',
  owner: 'team-a',
  scopes: ['read', 'write'],
  rateLimit: '',
  cidrs: [],
  origins: [],
  routes: [],
  notBeforeMs: 0,
  expiresAtMs: 0,
};

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly context: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps its lines. */
export function keptLog() {
  const lines: LogLine[] = [];
  const to = (level: LogLine['level']) => (context: object, message: string) => {
    lines.push({ level, context: context as LogLine['context'], message });
  };
  return { lines, log: () => ({ info: to('info'), warn: to('warn'), error: to('error') }) };
}

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A path in a folder of its own, which goes with the test file. */
export function freshPath(name = 'keys'): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'));
  folders.push(folder);
  return join(folder, name);
}

/** Main thread's part over a store, with time in the test's hands. */
export function deskOver(store: (book: KeyBook, log: ReturnType<typeof keptLog>['log']) => KeyStore, keysMax = 1_000) {
  const { lines, log } = keptLog();
  const book = new KeyBook();
  const clock = { nowMs: 1_800_000_000_000 };
  const keeper = new KeyKeeper({
    book,
    store: store(book, log),
    environment: ENVIRONMENT,
    secret: SECRET,
    keysMax,
    log,
    nowMs: () => clock.nowMs,
  });
  keeper.configure(NAMES);
  return { book, keeper, lines, clock };
}

/** The same over a file. It is stopped with the test file, unless the test does so. */
export async function fileDesk(path = freshPath(), keysMax = 1_000) {
  const desk = deskOver((book, log) => new FileStore(path, SECRET, book, log), keysMax);
  await desk.keeper.start();
  after(() => desk.keeper.stop());
  return { ...desk, path };
}

/** A ring of a thread that follows the book at once. */
export function ringOf(book: KeyBook): KeyRing {
  const ring = new KeyRing({ environment: ENVIRONMENT, secret: SECRET }, book.snapshot());
  const before = book.onNews;
  book.onNews = (news) => {
    before(news);
    // As it arrives on a thread.
    ring.change(structuredClone(news));
  };
  return ring;
}

export const FACTS: KeyFacts = { address: '192.0.2.1', origin: null, route: 'orders', nowMs: 1_800_000_000_000 };

/** Makes a key, which must work. */
export async function made(keeper: KeyKeeper, more: Partial<KeyTerms> = {}): Promise<KeyWithSecret> {
  const answer = await keeper.create({ ...TERMS, ...more }, '127.0.0.1');
  if (!answer.ok) throw new Error(answer.words);
  return answer.key;
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Executor } from './executor.ts';
import { Memory, RememberingExecutor } from './remembering-executor.ts';

test('the same bytes are asked once, in this run and the next', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-memory-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'memory.jsonl');
  const asked: string[] = [];
  const inner: Executor = {
    name: 'inner',
    run: async ({ name, bytes }) => {
      asked.push(name);
      return { status: 200, error: null, answer: '\xff', ids: [bytes.length], lines: ['a\n'] };
    },
    close: async () => {},
  };
  const run = (memory: Memory, name: string, text: string) =>
    new RememberingExecutor(inner, memory).run({ name, bytes: Buffer.from(text) });
  const memory = new Memory(file, 'salt');
  const first = await run(memory, 'a', 'x');
  assert.deepEqual(first, { status: 200, error: null, answer: '', ids: [1], lines: [] });
  assert.deepEqual(await run(memory, 'b', 'x'), first);
  assert.deepEqual(await run(new Memory(file, 'salt'), 'c', 'x'), first);
  assert.deepEqual((await run(new Memory(file, 'salt'), 'd', 'xy')).ids, [2]);
  await run(new Memory(file, 'other'), 'e', 'x');
  assert.deepEqual(asked, ['a', 'd', 'e']);
});

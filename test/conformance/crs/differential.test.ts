import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareEngines, differentialReport, unexplained } from './differential.ts';
import type { Executor, Observed } from './executor.ts';

function answering(ids: (name: string) => readonly number[], status = 200): Executor {
  return {
    name: 'fake',
    run: async ({ name }): Promise<Observed> => ({ status, error: null, answer: '', ids: ids(name), lines: [] }),
    close: async () => {},
  };
}

const PROBES = ['a', 'b', 'c', 'd'].map((name) => ({ name, bytes: Buffer.alloc(0) }));

test('differences by rule and kind', async () => {
  const oracle = answering((name) => (name === 'd' ? [] : [1, 2]));
  const ours = answering((name) => (name === 'a' ? [2, 1, 980170] : [1, 3]));
  const pairs = [
    { oracle, ours },
    { oracle, ours },
  ];
  const comparison = await compareEngines(PROBES, pairs);
  assert.deepEqual([comparison.requests, comparison.withIds], [4, 3]);
  assert.deepEqual(
    comparison.differences.map(({ probe, missed, surplus }) => [probe.name, missed, surplus]),
    [
      ['b', [2], [3]],
      ['c', [2], [3]],
      ['d', [], [1, 3]],
    ],
  );
  const lines = differentialReport(comparison).split('\n');
  assert.match(lines[0] ?? '', /^ +3 3 surplus +b \| c \| d$/);
  assert.match(lines[1] ?? '', /^ +2 2 missed +b \| c$/);
  assert.match(lines.at(-1) ?? '', /^4 requests, 3 with rules that held, 0 refused unasked: 3 differ, 0 explained; /);
});

test('other answers are a difference', async () => {
  const pair = { oracle: answering(() => []), ours: answering(() => [], 403) };
  const { differences } = await compareEngines(PROBES.slice(0, 1), [pair]);
  assert.deepEqual(
    differences.map(({ answers }) => answers),
    ['status 200 against status 403'],
  );
});

test('what the oracle’s server refuses says nothing of its rules', async () => {
  const pair = { oracle: answering(() => [], 400), ours: answering(() => [1]) };
  const { unasked, differences } = await compareEngines(PROBES, [pair]);
  assert.deepEqual([unasked, differences], [4, []]);
});

test('what lies with the oracle is told apart', async () => {
  const rows: readonly (readonly [head: string, theirs: number[], own: number[], explained: number, open: number[]])[] =
    [
      ['POST / HTTP/1.1\r\nContent-Type: text/xml', [920273, 949110], [], 1, []],
      ['POST / HTTP/1.1\r\nContent-Type: multipart/form-data', [920273, 942100], [], 1, [942100]],
      ['POST / HTTP/1.1\r\nContent-Type: application/json', [920273], [], 0, [920273]],
      ['POST / HTTP/1.1\r\nContent-Type: text/xml', [], [920273], 0, [920273]],
      ['GET /a%3Fb HTTP/1.1', [], [941100, 949110], 1, []],
      ['GET /a?b=%3F HTTP/1.1', [], [941100, 949110], 0, [941100]],
      ['GET /a%3Fb HTTP/1.1', [941100], [], 0, [941100]],
      ['GET / HTTP/1.1', [942131], [], 1, []],
      ['GET /?a=x%0ab HTTP/1.1', [942361], [942440], 1, []],
      ['GET /?a=xb HTTP/1.1', [942361], [942440], 0, [942361, 942440]],
      ['GET /?a=%26%2300%3b HTTP/1.1', [], [941100], 1, []],
      ['GET / HTTP/1.1', [949110], [980170], 0, [949110]],
    ];
  for (const [head, theirs, own, explained, open] of rows) {
    const probe = { name: 'a', bytes: Buffer.from(`${head}\r\nA: 1\r\n\r\n`) };
    const comparison = await compareEngines([probe], [{ oracle: answering(() => theirs), ours: answering(() => own) }]);
    const [difference] = comparison.differences;
    assert.equal(difference?.explained.length, explained, head);
    assert.deepEqual([...(difference?.missed ?? []), ...(difference?.surplus ?? [])], open, head);
    assert.equal(unexplained(comparison).length, open.length === 0 ? 0 : 1, head);
  }
});

test('lines in a multipart field, and in a file', async () => {
  const differing = async (head: string): Promise<number> => {
    const type = 'Content-Type: multipart/form-data; boundary=X';
    const part = `--X\r\nContent-Disposition: form-data; name="a"${head}\r\n--X--\r\n`;
    const probe = { name: 'a', bytes: Buffer.from(`POST / HTTP/1.1\r\n${type}\r\n\r\n${part}`) };
    const pair = { oracle: answering(() => [1]), ours: answering(() => [2]) };
    return unexplained(await compareEngines([probe], [pair])).length;
  };
  assert.equal(await differing('\r\n\r\nx\ny'), 0);
  assert.equal(await differing('\r\n\r\nxy'), 1);
  assert.equal(await differing('; filename="f"\r\n\r\nx\ny'), 1);
});

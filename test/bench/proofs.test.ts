import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CASES, type CaseName } from '../../bench/cases.ts';
import type { Contender } from '../../bench/field.ts';
import { countMarks, proofProblems, proveRefusals, sumOf } from '../../bench/proofs.ts';
import { Workspace } from '../../bench/workspace.ts';

/** What speaks against a proxy that answers in that way, in a case. */
async function problemsOf(name: CaseName, answer: RequestListener): Promise<readonly string[]> {
  const workspace = new Workspace();
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const one = CASES[name];
    const { port } = server.address() as AddressInfo;
    const contender = { name: 'one', server: { port }, duties: one.duties } as unknown as Contender;
    return proofProblems(await proveRefusals(one, contender, workspace.credentials()));
  } finally {
    server.closeAllConnections();
    server.close();
    workspace.remove();
  }
}

const status =
  (code: number): RequestListener =>
  (request, response) => {
    request.resume();
    response.statusCode = code;
    response.end('{}');
  };

describe('a row is void', () => {
  for (const [name, count] of [
    ['jwt', 3],
    ['jwt-cold', 3],
    ['api-key', 2],
    ['baseline', 1],
    ['crs-get', 1],
    ['routes-100', 1],
  ] as const) {
    test(`${name}: where what must be refused is answered`, async () => {
      const problems = await problemsOf(name, status(200));
      const refusals = problems.filter((words) => words.includes('200, not 4'));
      assert.equal(refusals.length, count, problems.join('; '));
    });
  }

  test('where the honest are refused with the others', async () => {
    const problems = await problemsOf('jwt', status(401));
    assert.deepEqual(problems, ['jwt is not proved: an honest request: 401, not 200']);
  });

  test('where a refusal is another than the one that the duty gives', async () => {
    const problems = await problemsOf('api-key', (request, response) =>
      status(request.headers['x-api-key'] === undefined ? 401 : 503)(request, response),
    );
    assert.deepEqual(problems, [
      'api-key is not proved: an honest request: 503, not 200',
      'api-key is not proved: an unknown key: 503, not 401',
    ]);
  });
});

test('lines of a log are counted by what they hold, across pieces of the file', async () => {
  const workspace = new Workspace();
  try {
    const file = join(workspace.folder('log'), 'log');
    const line = `${'x'.repeat(90)}"durationMs":1\n`;
    writeFileSync(file, `${line.repeat(20_000)}banner\nhalf a line "durationMs":`);
    assert.equal(await countMarks(file, '"durationMs":'), 20_000);
  } finally {
    workspace.remove();
  }
});

test('series of one name are added up, those of longer names are not', () => {
  const text = ['# TYPE a_total counter', 'a_total{route="x"} 3', 'a_total 4', 'a_total_more{route="x"} 50'].join('\n');
  assert.equal(sumOf(text, 'a_total'), 7);
});

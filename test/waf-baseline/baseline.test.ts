import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteTextOfString } from '../../src/base/byte-text.ts';
import { openJudge } from './judge.ts';
import { type ListedRequest, listedRequests } from './requests.ts';

/** Requests in the lists, written down so that none is lost. */
const ATTACKS = 741;
const HONEST = 806;
/** At least so many of the attacks are blocked, at most so many of the honest are. */
const BLOCKED_MIN = 0.9;
const MISTAKEN_MAX = 0.01;

const judge = openJudge();

test('the baseline blocks attacks', (t) => {
  const { all, wrong } = judged('attacks', ({ isBlocked }) => !isBlocked);
  for (const line of report(all, wrong, 'missed')) t.diagnostic(line);
  assert.equal(all.length, ATTACKS);
  const missed = wrong.length / all.length;
  assert.ok(missed <= 1 - BLOCKED_MIN, `${wrong.length} of ${all.length} pass`);
  for (const [subject, lines] of bySubject(all)) {
    const passed = wrong.filter((one) => one.subject === subject).length;
    assert.ok(passed <= lines.length * (1 - BLOCKED_MIN), `${subject}: ${passed} of ${lines.length} pass`);
  }
});

test('the baseline lets honest requests pass', (t) => {
  const { all, wrong } = judged('honest', ({ isBlocked }) => isBlocked);
  for (const line of report(all, wrong, 'blocked')) t.diagnostic(line);
  assert.equal(all.length, HONEST);
  assert.ok(wrong.length / all.length <= MISTAKEN_MAX, `${wrong.length} of ${all.length} are blocked`);
});

test('no request stands in the lists twice', () => {
  const all = [...listedRequests('attacks'), ...listedRequests('honest')];
  const lines = all.map(({ line }) => line);
  assert.deepEqual(
    lines.filter((line, index) => lines.indexOf(line) !== index),
    [],
  );
});

test('a value that is no attack behind one that is hides nothing', () => {
  const fields = ['Host', 'www.example.com'];
  const request = (query: string) => ({
    method: 'GET',
    target: byteTextOfString(`/?${query}`),
    fields,
    body: Buffer.alloc(0),
  });
  const attack = 'id=1%27%20or%201%3D1--';
  // Tokens of SQL that nothing was closed before.
  const tokens = 'x=(a%20or%20b)%20and%20c';
  assert.equal(judge(request(tokens)).isBlocked, false);
  for (const query of [attack, `${attack}&${tokens}`, `${tokens}&${attack}`]) {
    assert.equal(judge(request(query)).isBlocked, true, query);
  }
  const filter = 'filters[a][$in]=1';
  assert.equal(judge(request(filter)).isBlocked, false);
  assert.equal(judge(request(`${filter}&password[$ne]=1`)).isBlocked, true);
  assert.equal(judge(request(`password[$ne]=1&${filter}`)).isBlocked, true);
});

interface Judged {
  readonly all: readonly ListedRequest[];
  readonly wrong: readonly (ListedRequest & { readonly words: string })[];
}

function judged(folder: 'attacks' | 'honest', isWrong: (judgement: ReturnType<typeof judge>) => boolean): Judged {
  const all = listedRequests(folder);
  const wrong = all.flatMap((one) => {
    const judgement = judge(one.request);
    return isWrong(judgement) ? [{ ...one, words: judgement.words }] : [];
  });
  return { all, wrong };
}

function bySubject(all: readonly ListedRequest[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const { subject, line } of all) groups.set(subject, [...(groups.get(subject) ?? []), line]);
  return groups;
}

/** How many of each subject went wrong, and which. */
function report(all: Judged['all'], wrong: Judged['wrong'], word: string): string[] {
  return [...bySubject(all)].flatMap(([subject, lines]) => {
    const own = wrong.filter((one) => one.subject === subject);
    return [
      `${subject}: ${own.length} of ${lines.length} ${word}`,
      ...own.map(({ line, words }) => `  ${line}  (${words})`),
    ];
  });
}

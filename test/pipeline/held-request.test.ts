import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UPLOAD_HIGH_WATER_BYTES } from '../../src/limits.ts';
import { HeldRequest } from '../../src/pipeline/held-request.ts';
import type { Source, Transaction } from '../../src/transaction.ts';
import { PASS, refuse } from '../../src/verdict.ts';

/** A request of which only the client's side is real enough. @param heir  Attached by the phase after the wait. */
function request(heir: Source | null = null) {
  const calls: string[] = [];
  let source: Source | null = null;
  const downstream = {
    attach: (next: Source) => {
      source = next;
    },
    detach: () => {
      source = null;
    },
    replay: (pieces: readonly Uint8Array[], isWhole: boolean) => {
      for (const [at, piece] of pieces.entries()) source?.onBody(piece, isWhole && at === pieces.length - 1);
    },
    pauseBody: () => calls.push('pause'),
  };
  const owner = {
    resume: () => {
      calls.push('resume');
      if (heir !== null) downstream.attach(heir);
      return heir === null;
    },
    refuse: (_tx: Transaction, { code }: { code: string }) => calls.push(`refuse ${code}`),
    failed: (_tx: Transaction, error: Error) => calls.push(`failed ${error.message}`),
  };
  const tx = { downstream, owner, finished: false } as unknown as Transaction;
  const held = new HeldRequest(tx);
  assert.equal(source, held);
  return { held, calls, source: () => source };
}

test('what came of the body goes to whoever answers, as it was and in order', () => {
  const got: string[] = [];
  const heir: Source = {
    onBody: (chunk, isLast) => void got.push(`${Buffer.from(chunk)}${isLast ? '.' : ''}`),
    onDrain: () => {},
    onAbort: () => {},
  };
  const { held, calls } = request(heir);
  const lent = Buffer.from('abc');
  held.onBody(lent, false);
  lent.fill(0);
  held.onBody(Buffer.from('de'), true);
  held.onDrain();
  held.goOn(() => PASS);
  assert.deepEqual([calls, got], [['resume'], ['abc', 'de.']]);
  held.goOn(() => PASS);
  assert.deepEqual(calls, ['resume'], 'once');
});

test('a client that sends much is held back, and not for its last piece', () => {
  const { held, calls } = request();
  held.onBody(Buffer.alloc(UPLOAD_HIGH_WATER_BYTES), false);
  assert.deepEqual(calls, []);
  held.onBody(Buffer.alloc(1), false);
  assert.deepEqual(calls, ['pause']);
  held.onBody(Buffer.alloc(1), true);
  assert.deepEqual(calls, ['pause']);
});

test('a refusal ends it, an error fails it, and nobody decides about a client that has gone', () => {
  const refused = request();
  refused.held.goOn(() => refuse('SP_LIMITER_ALONE'));
  assert.deepEqual([refused.calls, refused.source()], [['refuse SP_LIMITER_ALONE'], null]);
  const broken = request();
  broken.held.goOn(() => {
    throw new Error('planted');
  });
  assert.deepEqual(broken.calls, ['failed planted']);
  const gone = request();
  gone.held.onAbort();
  gone.held.goOn(() => assert.fail('decided'));
  assert.deepEqual([gone.calls, gone.source()], [[], null]);
});

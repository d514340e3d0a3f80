import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IssuerKeys } from '../../src/auth/issuer-keys.ts';
import { KeyRing } from '../../src/auth/key-ring.ts';
import { type IssuerKeysNews, issuerSettings } from '../../src/issuer-wire.ts';
import { KEY_WAITERS_MAX } from '../../src/limits.ts';
import { configOf } from '../support/issuers.ts';
import { newSigner } from './support.ts';

const NOW_MS = 1_800_000_000_000;
const before = configOf({});
const after = configOf({ algorithms: ['ES256'] });
const { jwk } = newSigner('ES256', 'known');

const news: IssuerKeysNews = {
  kind: 'issuer-keys',
  issuer: 'main',
  settings: issuerSettings(before.issuers.main ?? assert.fail()),
  version: 1,
  state: 'ready',
  keys: [jwk],
  isTried: true,
  isFresh: true,
  beganAtMs: NOW_MS - 60_000,
  coolForMs: 0,
};

function start(told: readonly IssuerKeysNews[]): { ring: KeyRing; keys: IssuerKeys } {
  const ring = new KeyRing(() => undefined);
  const keys = ring.use(before, told, NOW_MS).of('main');
  ring.settle(before);
  return { ring, keys };
}

const said = (keys: IssuerKeys, kid: string | undefined): string => {
  const answer = keys.ask(kid, NOW_MS);
  return answer === null ? 'no' : answer.kind === 'wait' ? 'wait' : answer.reason;
};

describe('keys of an issuer that a reload changes', () => {
  for (const [state, told, unknown] of [
    ['fetched', [news], 'keys-unavailable'],
    ['not fetched yet', [], 'no'],
  ] as const) {
    test(`${state}: whoever waits is called back, and waits for nothing more`, () => {
      const { ring, keys } = start(told);
      const answer = keys.ask('new', NOW_MS);
      assert.equal(answer?.kind, 'wait');
      let again = 0;
      const called = (): void => {
        again += 1;
      };
      if (answer?.kind === 'wait') answer.wait(called);
      ring.use(after, [], NOW_MS);
      assert.deepEqual([again, said(keys, 'new')], [0, 'wait'], 'the reload may still be refused');
      ring.settle(after);
      assert.equal(again, 1);
      assert.deepEqual([said(keys, 'new'), said(keys, 'known')], [unknown, 'no']);
      assert.equal(keys.find('known').length, told.length, 'what was there is there for requests of before');
    });
  }
});

test('before the first answer so many wait and no more, those that left included', () => {
  const { keys } = start([]);
  let again = 0;
  const called = (): void => {
    again += 1;
  };
  for (let count = 0; count < KEY_WAITERS_MAX; count += 1) {
    const answer = keys.ask('any', NOW_MS);
    if (answer?.kind === 'wait') answer.wait(called);
  }
  assert.deepEqual([said(keys, 'any'), said(keys, 'other'), again], ['no', 'no', 0]);
});

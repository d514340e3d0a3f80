import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { configureRevocations } from '../../src/gateway/revocations.ts';
import { saltOf } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createRevocationWords } from '../../src/revocation/layout.ts';
import { RevocationKeeper } from '../../src/revocation/revocation-keeper.ts';
import { RevocationWriter } from '../../src/revocation/revocation-writer.ts';

test('whatever names an issuer of tokens or sessions can be revoked at, until the last of them is over', async () => {
  const nothing = () => undefined;
  const nowMs = Date.now();
  const keeper = new RevocationKeeper({
    writer: new RevocationWriter(createRevocationWords(1_024)),
    hash: new KeyHash(1, 2),
    saltOf,
    revocationsMax: 1_024,
    node: 'n1',
    log: () => ({ debug: nothing, info: nothing, warn: nothing, error: nothing }),
    file: null,
    channel: null,
    nowMs: () => nowMs,
  });
  configureRevocations(keeper, {
    issuers: {
      bounded: { lifetimeSecondsMax: 600, leewaySeconds: 30 },
      unbounded: { lifetimeSecondsMax: 0, leewaySeconds: 30 },
      one: { lifetimeSecondsMax: 600, leewaySeconds: 0 },
      two: { lifetimeSecondsMax: 0, leewaySeconds: 0 },
      three: { lifetimeSecondsMax: 0, leewaySeconds: 0 },
    },
    introspection: { opaque: {}, one: {} },
    logins: {
      people: { lifetimeSeconds: 43_200 },
      two: { lifetimeSeconds: 43_200 },
      three: { lifetimeSeconds: 604_800 },
    },
  } as unknown as Config);
  for (const [issuer, seconds] of [
    // The issuer's clock may be ahead by the leeway, and the token is good for as much after its end.
    ['bounded', 660],
    ['unbounded', 86_400],
    ['opaque', 86_400],
    ['people', 43_200],
    ['one', 86_400],
    ['two', 86_400],
    ['three', 604_800],
  ] as const) {
    const order = { kind: 'subject', issuer, value: 'ann', untilMs: null, issuedUntilMs: null, reason: '' } as const;
    const answer = await keeper.add(order, '');
    assert.ok(answer.ok, issuer);
    assert.equal(answer.revocation.leftSeconds, seconds, issuer);
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configOf, IssuerStage } from '../support/issuers.ts';
import { makeKey, TestProvider } from '../support/oidc-provider.ts';
import { until } from '../support/wait.ts';

const DISCOVERY = '/.well-known/openid-configuration';

describe('keys of a real provider', () => {
  it('are found by discovery, once for all, and are there when the boot is over', async (t) => {
    const provider = await TestProvider.start(t, { path: '/tenant', keys: [makeKey('a'), makeKey('b', 'RS256')] });
    const stage = await IssuerStage.start(t, { issuer: provider.issuer });
    assert.deepEqual([stage.state(), stage.names()], ['ready', ['a', 'b']]);
    assert.deepEqual([provider.requests(DISCOVERY), provider.requests('/jwks')], [1, 1]);
    assert.equal(await stage.find('a'), true);
    assert.deepEqual([stage.wanted, stage.fetches('done')], [0, 1]);
    assert.deepEqual(stage.keys().find('a')[0]?.algorithms, ['ES256']);
  });

  it('of a rotation are there for the first token that names one, with one call for all who wait', async (t) => {
    const provider = await TestProvider.start(t, { keys: [makeKey('old')] });
    const stage = await IssuerStage.start(t, { issuer: provider.issuer });
    const old = stage.keys().find('old')[0];
    provider.replaceKeys([makeKey('new')]);
    await stage.cooled();
    const found = await Promise.all(Array.from({ length: 100 }, () => stage.find('new')));
    assert.ok(found.every(Boolean));
    assert.deepEqual([provider.requests(DISCOVERY), provider.requests('/jwks'), stage.wanted], [1, 2, 1]);
    assert.deepEqual(stage.names(), ['new']);
    assert.ok(old !== undefined && !stage.keys().find('old').includes(old), 'a key that is gone verifies nothing');
  });

  it('that are named during the cool-down are waited for, and found when it has ended', async (t) => {
    const provider = await TestProvider.start(t, { keys: [makeKey('old')] });
    const stage = await IssuerStage.start(t, { issuer: provider.issuer }, { coolDownMs: 2_000 });
    provider.replaceKeys([makeKey('new')]);
    assert.equal(await stage.find('new'), true);
    assert.equal(provider.requests('/jwks'), 2);
    // Another one when news of the boot's fetch come behind the first.
    assert.ok(stage.wanted <= 2);
  });

  it('that changed under their name are picked up by a refresh; those that did not stay the same objects', async (t) => {
    const kept = makeKey('kept');
    const provider = await TestProvider.start(t, { keys: [kept, makeKey('k')] });
    const stage = await IssuerStage.start(t, { issuer: provider.issuer }, { refreshMs: 1_000 });
    const [before, same] = [stage.keys().find('k')[0], stage.keys().find('kept')[0]];
    const { version } = stage.keys();
    provider.replaceKeys([kept, makeKey('k')]);
    await until('the changed key', () => stage.keys().find('k')[0] !== before);
    assert.ok(stage.keys().version > version);
    assert.equal(stage.keys().find('kept')[0], same);
    assert.equal(stage.wanted, 0);
  });

  it('stay in use while it is down, up to a time, are then given up, and come back by themselves', async (t) => {
    const provider = await TestProvider.start(t);
    const stage = await IssuerStage.start(t, { issuer: provider.issuer }, { refreshMs: 1_000, staleMsMax: 1_000 });
    await provider.close();
    await until('keys to be stale', () => stage.state() === 'stale');
    assert.deepEqual([stage.keys().state, stage.names()], ['ready', ['first']]);
    await until('keys to be given up', () => stage.keys().state === 'unavailable');
    assert.deepEqual([stage.state(), stage.names()], ['unavailable', []]);
    assert.equal(stage.keys().ask('first', Date.now()), null, 'nobody waits for a provider that is down');
    await provider.listen();
    await until('keys to be back', () => stage.keys().state === 'ready');
    assert.deepEqual(
      stage.lines.map(({ level, message }) => [level, message.split(';', 1)[0]]),
      [
        ['info', 'keys of an issuer are new'],
        ['warn', 'keys of an issuer could not be had'],
        ['error', 'keys of an issuer are too old to be used'],
        ['info', 'keys of an issuer are back'],
      ],
      'one line per change of state',
    );
  });

  it('that is down at boot do not hold it up, and come when it is there', async (t) => {
    const provider = await TestProvider.start(t);
    await provider.close();
    const beganAt = performance.now();
    const stage = await IssuerStage.start(t, { issuer: provider.issuer });
    assert.ok(performance.now() - beganAt < 5_000);
    assert.equal(stage.keys().state, 'unavailable');
    await provider.listen();
    await until('keys', () => stage.keys().state === 'ready');
  });

  it('survive a reload that does not touch them, and are fetched anew by one that does', async (t) => {
    const provider = await TestProvider.start(t);
    const stage = await IssuerStage.start(t, { issuer: provider.issuer });
    const [keys, key] = [stage.keys(), stage.keys().find('first')[0]];
    await stage.use(configOf({ issuer: provider.issuer, audiences: ['https://other.test'] }));
    assert.deepEqual([stage.keys() === keys, stage.keys().find('first')[0] === key], [true, true]);
    assert.equal(provider.requests('/jwks'), 1);
    await stage.use(configOf({ issuer: provider.issuer, algorithms: ['ES256'] }));
    assert.deepEqual([provider.requests('/jwks'), stage.keys() === keys, stage.names()], [2, false, ['first']]);
    assert.equal(stage.keeper.news().length, 1, 'what nobody uses is not fetched any more');
  });
});

describe('made-up names of keys', () => {
  it('at 10,000 per second cost one call per cool-down, and hardly a message', async (t) => {
    const provider = await TestProvider.start(t);
    const coolDownMs = 1_000;
    const stage = await IssuerStage.start(t, { issuer: provider.issuer }, { coolDownMs });
    const beganAt = performance.now();
    let asked = 0;
    let waiting = 0;
    while (performance.now() - beganAt < 3_500) {
      for (let i = 0; i < 100; i += 1) {
        asked += 1;
        const answer = stage.keys().ask(`made-up-${asked}`, Date.now());
        if (answer?.kind === 'wait') {
          waiting += 1;
          answer.wait(() => undefined);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const windows = Math.ceil((performance.now() - beganAt) / coolDownMs) + 1;
    assert.ok(asked > 10_000, `${asked}`);
    assert.ok(provider.requests('/jwks') >= 3, 'honest new names would be found');
    assert.ok(provider.requests('/jwks') <= windows, `${provider.requests('/jwks')} calls in ${windows} cool-downs`);
    assert.ok(stage.wanted <= windows, `${stage.wanted} messages`);
    assert.ok(waiting <= 16 * windows, `${waiting} waited`);
    assert.equal(provider.requests(DISCOVERY), 1);
    t.diagnostic(`${asked} names, ${provider.requests('/jwks')} calls, ${stage.wanted} messages, ${waiting} waited`);
  });

  it('that were looked for in vain are not looked for again', async (t) => {
    const provider = await TestProvider.start(t);
    const stage = await IssuerStage.start(t, { issuer: provider.issuer });
    await stage.cooled();
    assert.equal(await stage.find('nobody'), false);
    for (let times = 0; times < 3; times += 1) {
      await stage.cooled();
      assert.equal(await stage.find('nobody'), false);
    }
    assert.deepEqual([provider.requests('/jwks'), stage.wanted], [2, 1]);
  });

  it('cost nothing where keys do not come from a provider', async (t) => {
    const keys = { source: 'secret', secret: 'a-secret-of-thirty-two-characters-and-more' };
    const stage = await IssuerStage.start(t, { algorithms: ['HS256'] }, keys);
    assert.equal(stage.keys().state, 'ready');
    assert.equal(stage.keys().ask('any', Date.now()), null);
    assert.deepEqual(stage.keys().find('any')[0]?.algorithms, ['HS256']);
    assert.deepEqual(stage.keeper.news(), [], 'secrets stay where they are');
  });
});

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { TlsKeeper } from '../../src/gateway/tls-keeper.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { TlsMaterial } from '../../src/tls/snapshot.ts';
import { type IssuedCertificate, TestAuthority } from '../support/certificates.ts';

const POLL_MS = 100;
const authority = new TestAuthority();
after(() => authority.remove());
const [first, second, third] = ['one', 'two', 'three'].map((commonName) =>
  authority.issue({ names: ['a.test'], commonName }),
) as [IssuedCertificate, IssuedCertificate, IssuedCertificate];
let files = 0;

interface Rotation {
  readonly material: TlsMaterial;
  readonly done: () => void;
  readonly refuse: () => void;
}

/** A keeper over a pair of live files. Threads that are given certificates wait for the test's word. */
function rig(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  files += 1;
  const live = {
    certificate: join(authority.folder, `${files}.live.crt`),
    key: join(authority.folder, `${files}.live.key`),
  };
  const install = (pair: IssuedCertificate): void => {
    copyFileSync(pair.certificateFile, live.certificate);
    copyFileSync(pair.keyFile, live.key);
  };
  const configOf = (names?: readonly string[]): Config =>
    ({
      listen: { https: { port: 1 } },
      tls: {
        certificates: [{ ...live, ...(names === undefined ? {} : { names }) }],
        minVersion: '1.3',
        pollMs: POLL_MS,
        expiryWarningDays: [],
      },
    }) as unknown as Config;
  const rotations: Rotation[] = [];
  let underWay = 0;
  const keeper = new TlsKeeper({
    log: () => createLog({ level: 'error', redact: [], base: {}, sink: () => undefined }),
    onCertificates: () => undefined,
    rotate: async (material) => {
      underWay += 1;
      assert.equal(underWay, 1, 'two changes at once');
      await new Promise<void>((resolve, reject) => {
        rotations.push({ material, done: resolve, refuse: () => reject(new Error('planted')) });
      }).finally(() => {
        underWay -= 1;
      });
    },
  });
  install(first);
  keeper.load(configOf());
  keeper.watch(configOf());
  t.after(() => keeper.stop());
  return {
    keeper,
    configOf,
    install,
    rotations,
    /** Two looks: the watcher takes what it saw twice. */
    look: () => t.mock.timers.tick(2 * POLL_MS),
    /** Fingerprint of what the latest change gave to the threads. */
    latest: () => rotations.at(-1)?.material.certificates[0]?.fingerprint,
  };
}

const settle = (): Promise<void> => new Promise(setImmediate);
const fingerprintOf = async (keeper: TlsKeeper, config: Config): Promise<string | undefined> =>
  keeper.check(config)?.checked.certificates[0]?.fingerprint;

test('a reload waits for a change of the files that is under way, and takes what is newest', async (t) => {
  const { keeper, configOf, install, rotations, look, latest } = rig(t);
  const config = configOf(['a.test', 'b.test']);
  const read = keeper.check(config);
  install(second);
  look();
  await settle();
  assert.equal(rotations.length, 1);
  const applied = keeper.apply(read);
  await settle();
  assert.equal(rotations.length, 1, 'both at once');
  rotations[0]?.done();
  await settle();
  assert.equal(rotations.length, 2);
  assert.equal(latest(), await fingerprintOf(keeper, config), 'older than what was served');
  assert.deepEqual(rotations[1]?.material.certificates[0]?.names, ['a.test', 'b.test']);
  rotations[1]?.done();
  await applied;
});

test('a change of the files during a reload waits for it, and is found by the watcher that follows', async (t) => {
  const { keeper, configOf, install, rotations, look, latest } = rig(t);
  const config = configOf(['a.test', 'b.test']);
  install(second);
  const applied = keeper.apply(keeper.check(config));
  install(third);
  look();
  await settle();
  assert.equal(rotations.length, 1, 'both at once');
  rotations[0]?.done();
  await applied;
  keeper.watch(config);
  await settle();
  assert.equal(rotations.length, 1, 'with the settings of before the reload');
  look();
  await settle();
  assert.equal(rotations.length, 2);
  assert.equal(latest(), await fingerprintOf(keeper, config));
  assert.deepEqual(rotations[1]?.material.certificates[0]?.names, ['a.test', 'b.test']);
});

test('two changes of the files in a row are both taken, the second one last', async (t) => {
  const { keeper, configOf, install, rotations, look, latest } = rig(t);
  install(second);
  look();
  install(third);
  look();
  await settle();
  assert.equal(rotations.length, 1);
  rotations[0]?.done();
  await settle();
  assert.equal(latest(), await fingerprintOf(keeper, configOf()));
});

test('a reload that changes names alone reaches the threads; one that changes nothing does not', async (t) => {
  const { keeper, configOf, rotations } = rig(t);
  await keeper.apply(keeper.check(configOf()));
  assert.equal(rotations.length, 0);
  const applied = keeper.apply(keeper.check(configOf(['b.test'])));
  await settle();
  assert.deepEqual(rotations[0]?.material.certificates[0]?.names, ['b.test']);
  rotations[0]?.done();
  await applied;
});

test('certificates that a thread refuses: all go back, the reload is told, the next change is taken', async (t) => {
  const { keeper, configOf, install, rotations, look, latest } = rig(t);
  const before = await fingerprintOf(keeper, configOf());
  install(second);
  const applied = keeper.apply(keeper.check(configOf()));
  await settle();
  rotations[0]?.refuse();
  await settle();
  assert.equal(latest(), before);
  rotations[1]?.refuse();
  await assert.rejects(applied, /planted/);
  install(third);
  look();
  await settle();
  assert.equal(rotations.length, 3);
  assert.equal(latest(), await fingerprintOf(keeper, configOf()));
});

import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { KeyedDigest } from '../src/api-keys/digest.ts';
import { KeyRing } from '../src/api-keys/key-ring.ts';
import { KeyForm, randomDigits } from '../src/api-keys/key-text.ts';
import { formatRecord, type KeyRecord } from '../src/api-keys/record.ts';

// Nanoseconds to judge an API key: remembered, cold (a digest and a look-up), unknown, junk; with 100,000 keys known.
// Each text is a string of its own, as a request brings it. The count of known ones proves that keys were judged.
//
//   node dist/native-bench/api-keys.js

const KEYS = 100_000;
const HOT = 4_096;
const ATTEMPTS = 10;
const SECRET = randomBytes(32).toString('base64');
const form = new KeyForm('live');
const digest = new KeyedDigest(SECRET, form.length);
const facts = { address: '192.0.2.1', origin: null, route: 'orders', nowMs: Date.now() };

const newText = (): string => form.text(randomDigits(randomBytes(64)) ?? '');
/** A copy that no cache has seen: a string from bytes. */
const fresh = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

function recordOf(text: string, at: number): KeyRecord {
  return {
    id: at.toString(16).padStart(24, '0'),
    version: 1,
    name: `key ${at}`,
    owner: 'team-a',
    scopes: ['read', 'write'],
    rateLimit: '',
    cidrs: ['192.0.2.0/24', '10.0.0.0/8'],
    origins: [],
    routes: ['orders'],
    notBeforeMs: 0,
    expiresAtMs: 0,
    state: 'active',
    createdAtMs: facts.nowMs,
    changedAtMs: facts.nowMs,
    digest: Buffer.from(digest.of(text), 'latin1').toString('base64url'),
    previous: null,
  };
}

const texts = Array.from({ length: KEYS }, newText);
const keys = texts
  .map(recordOf)
  .map((record) => ({ id: record.id, digests: [record.digest], line: formatRecord(record) }));
const builtAt = performance.now();
const ring = new KeyRing({ environment: 'live', secret: SECRET }, { isLoaded: true, keys });
console.log(`ring of ${ring.size} keys built in ${(performance.now() - builtAt).toFixed(0)} ms`);

function measure(name: string, sample: readonly string[], forget: boolean, expected: number): void {
  let bestNs = Number.POSITIVE_INFINITY;
  let known = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const given = sample.map(fresh);
    if (forget) ring.change({ kind: 'keys', isLoaded: true, set: [], drop: [] });
    known = 0;
    const start = process.hrtime.bigint();
    for (const text of given) if (ring.judge(text, facts).kind === 'known') known += 1;
    bestNs = Math.min(bestNs, Number(process.hrtime.bigint() - start) / given.length);
  }
  const verdict = known === expected ? 'ok' : 'WRONG';
  console.log(`${name.padEnd(12)} ${bestNs.toFixed(0).padStart(6)} ns  ${known} known  ${verdict}`);
  if (known !== expected) process.exitCode = 1;
}

const hot = texts.slice(0, HOT);
for (const text of hot) ring.judge(text, facts);
measure('remembered', hot, false, HOT);
measure('cold', hot, true, HOT);
measure('first use', texts.slice(HOT, HOT * 2), true, HOT);
measure('unknown', Array.from({ length: HOT }, newText), false, 0);
measure(
  'junk',
  hot.map((text) => `${text.slice(0, -1)}~`),
  false,
  0,
);

const key = createSecretKey(Buffer.from(SECRET));
for (const [name, of] of [
  ['digest', (text: string) => digest.of(text)],
  ['createHmac', (text: string) => createHmac('sha256', key).update(text).digest('binary')],
] as const) {
  let length = 0;
  const start = process.hrtime.bigint();
  for (const text of texts) length += of(text).length;
  const ns = Number(process.hrtime.bigint() - start) / texts.length;
  console.log(`${name.padEnd(12)} ${ns.toFixed(0).padStart(6)} ns  ${length} bytes`);
}

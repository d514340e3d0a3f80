import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { daysLeft, type ExpiryWarning, ExpiryWatch } from '../../src/tls/expiry.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2030, 0, 1);
const certificate = (fingerprint: string, days: number) => ({
  file: `/etc/${fingerprint}.pem`,
  names: [`${fingerprint}.test`],
  notAfterMs: NOW_MS + days * DAY_MS,
  fingerprint,
});

describe('days left', () => {
  it('are a number with a fraction, negative when over', () => {
    assert.equal(daysLeft(certificate('a', 10), NOW_MS), 10);
    assert.equal(daysLeft(certificate('a', 0.5), NOW_MS), 0.5);
    assert.equal(daysLeft(certificate('a', -2), NOW_MS), -2);
  });
});

describe('expiry warnings', () => {
  it('come once a day for each certificate below the bound, and for no other', () => {
    const said: ExpiryWarning[] = [];
    const watch = new ExpiryWatch(21, (warning) => said.push(warning));
    const served = [certificate('far', 60), certificate('near', 20.5), certificate('over', -1)];
    for (let hour = 0; hour < 49; hour += 1) watch.tick(served, NOW_MS + hour * HOUR_MS);
    assert.deepEqual(
      said.map(({ file, daysLeft: left }) => [file, left]),
      [
        ['/etc/near.pem', 20],
        ['/etc/over.pem', -1],
        ['/etc/near.pem', 19],
        ['/etc/over.pem', -2],
        ['/etc/near.pem', 18],
        ['/etc/over.pem', -3],
      ],
    );
    assert.deepEqual(said[0]?.names, ['near.test']);
    assert.equal(said[0]?.notAfter, '2030-01-21T12:00:00.000Z');
  });

  it('stop with the renewal, and start anew for the new certificate', () => {
    const said: string[] = [];
    const watch = new ExpiryWatch(21, ({ file }) => said.push(file));
    watch.tick([certificate('old', 5)], NOW_MS);
    watch.tick([certificate('new', 90)], NOW_MS + HOUR_MS);
    watch.tick([certificate('new', 90)], NOW_MS + 70 * DAY_MS);
    assert.deepEqual(said, ['/etc/old.pem', '/etc/new.pem']);
  });

  it('are for expired certificates only when the bound is 0', () => {
    const said: string[] = [];
    const watch = new ExpiryWatch(0, ({ file }) => said.push(file));
    watch.tick([certificate('hours', 0.1), certificate('over', 0)], NOW_MS);
    assert.deepEqual(said, ['/etc/over.pem']);
  });
});

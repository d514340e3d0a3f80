import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Target } from '../../src/upstream/targets.ts';
import { clientTls } from '../../src/upstream/upstreams.ts';
import { TestAuthority } from '../support/certificates.ts';
import { mainOf, withRig } from './rig.ts';
import { targetsOf } from './support.ts';

const authority = new TestAuthority();
after(() => authority.remove());
const leaf = authority.issue({ names: ['IP:127.0.0.1'] });
const target = { ...(targetsOf([1])[0] as Target), secure: true };

const none = { slots: {} };

describe('authorities of a target', () => {
  const ca = join(authority.folder, 'long gone.pem');
  const certificates = [authority.root.certificatePem, leaf.certificatePem];

  test('are those of the plan: no file is read', () => {
    const options = clientTls(target, mainOf([], { tls: { ca } }), { ...none, authorities: { api: certificates } });
    assert.deepEqual(options.ca, certificates);
  });

  test('named but not in the plan: refused, nobody else is trusted in their place', () => {
    for (const plan of [none, { ...none, authorities: { other: certificates } }]) {
      assert.throws(() => clientTls(target, mainOf([], { tls: { ca } }), plan), {
        code: 'SP_CONFIG',
        message: /^upstreams\.api\.tls\.ca .*long gone\.pem was not read/,
      });
    }
  });

  test('none named: the system’s', () => {
    assert.equal(clientTls(target, mainOf([]), none).ca, undefined);
  });
});

describe('TLS towards a target', () => {
  async function withSecure(run: (url: string) => Promise<void>): Promise<void> {
    const server = createServer({ cert: leaf.certificatePem, key: leaf.keyPem }, (_request, response) =>
      response.end('secure'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await run(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('is verified, and its connections are kept', async () => {
    await withSecure(async (url) => {
      await withRig([url], { tls: { ca: authority.root.certificateFile } }, async (rig) => {
        for (let i = 0; i < 3; i += 1) assert.equal((await rig.ask()).body.toString(), 'secure');
        assert.deepEqual([rig.events.opened, rig.events.reused], [1, 2]);
      });
    });
  });

  test('an authority that we do not know: 502 before anything is sent', async () => {
    const stranger = new TestAuthority();
    await withSecure(async (url) => {
      await withRig([url], { tls: { ca: stranger.root.certificateFile }, retry: { attemptsMax: 1 } }, async (rig) => {
        assert.equal((await rig.ask()).code, 'SP_UPSTREAM_TLS');
        assert.deepEqual([rig.events.connectFailed, rig.connections()], [1, 0]);
      });
    });
    stranger.remove();
  });

  test('a name that the certificate does not have is refused', async () => {
    await withSecure(async (url) => {
      const tls = { ca: authority.root.certificateFile, serverName: 'other.test' };
      await withRig([url], { tls, retry: { attemptsMax: 1 } }, async (rig) => {
        assert.equal((await rig.ask()).code, 'SP_UPSTREAM_TLS');
      });
    });
  });
});

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { loadUws } from '../../src/http/uws.ts';
import { type IssuedCertificate, TestAuthority } from '../support/certificates.ts';
import { DIST, simpleConfig, startGateway, UNINSPECTED } from '../support/gateway.ts';
import { until } from '../support/wait.ts';

const CHANGES = 20;

/**
 * What may be lost: the older build has to close a listen socket, and the kernel then resets what waits in it, unless
 * it is told to hand it on (docs/tls.md).
 */
function lossesMax(): number {
  const migrates = readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
  return loadUws().buildName === 'uws-node20' && !migrates ? 2 : 0;
}

test(`${CHANGES} certificate changes under TLS load, bad files in between`, { timeout: 120_000 }, async (t) => {
  const authority = new TestAuthority();
  const issued = [0, 1].map((turn) => authority.issue({ names: ['a.wild.test'], commonName: `turn ${turn}` }));
  const certificate = join(authority.folder, 'live.crt');
  const key = join(authority.folder, 'live.key');
  const install = (from: Pick<IssuedCertificate, 'certificateFile' | 'keyFile'>): void => {
    for (const [source, target] of [
      [from.certificateFile, certificate],
      [from.keyFile, key],
    ] as const) {
      copyFileSync(source, `${target}.next`);
      renameSync(`${target}.next`, target);
    }
  };
  const [first, second] = issued as [IssuedCertificate, IssuedCertificate];
  install(first);
  const upstream = createServer((_request, response) => response.end('served'));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const gateway = await startGateway({
    https: true,
    config: {
      ...simpleConfig([(upstream.address() as AddressInfo).port]),
      tls: { redirect: false, pollMs: 100, certificates: [{ certificate, key }] },
    },
  });
  const load = fork(fileURLToPath(new URL('../support/tls-load.js', import.meta.url)), [String(gateway.https)]);
  try {
    await once(load, 'message');
    for (let change = 0; change < CHANGES; change += 1) {
      const next = change % 2 === 0 ? second : first;
      // A key that does not fit: refused, and the certificate of before stays.
      install({ certificateFile: next.certificateFile, keyFile: (next === first ? second : first).keyFile });
      install(next);
      await until(
        'the new certificate',
        async () => (await subject(gateway.https)) === `turn ${(change + 1) % 2}`,
        20_000,
      );
    }
    const answered = once(load, 'message');
    load.send('stop');
    const [{ done, failures }] = (await answered) as [{ done: number; failures: Record<string, number> }];
    t.diagnostic(`${CHANGES} changes, ${done} handshakes, failures ${JSON.stringify(failures)}`);
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
    assert.ok(done > 400, `only ${done} handshakes`);
    assert.ok(failed <= lossesMax(), JSON.stringify(failures));
  } finally {
    load.kill('SIGKILL');
    await gateway.stop();
    upstream.close();
    authority.remove();
  }
});

test('an authority file that went away: a replaced thread trusts what was read at the start', async () => {
  const authority = new TestAuthority();
  const leaf = authority.issue({ names: ['IP:127.0.0.1'] });
  const upstream = createHttps({ cert: leaf.certificatePem, key: leaf.keyPem }, (_request, response) =>
    response.end('served'),
  );
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const ca = join(authority.folder, 'ca.pem');
  copyFileSync(authority.root.certificateFile, ca);
  const breaks = mkdtempSync(join(tmpdir(), 'sallyport-break-'));
  const { port } = upstream.address() as AddressInfo;
  const config = {
    ...UNINSPECTED,
    threads: 1,
    upstreams: { main: { targets: [{ url: `https://127.0.0.1:${port}` }], tls: { ca } } },
    routes: [{ name: 'all', upstream: 'main' }],
  };
  const gateway = await startGateway({
    config,
    env: { SALLYPORT_TEST_BREAK: breaks },
    preload: [join(DIST, 'test/support/break-thread.js')],
  });
  const ask = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${gateway.http}/`);
    return `${response.status} ${await response.text()}`;
  };
  try {
    assert.equal(await ask(), '200 served');
    rmSync(ca);
    writeFileSync(join(breaks, 'exit'), '');
    await gateway.line('the death', ({ code }) => code === 'SP_THREAD');
    await until('the replacement', async () => (await gateway.metric('sallyport_threads', 'running')) === 1);
    assert.equal(await ask(), '200 served');

    const { ok, text } = await gateway.reload();
    assert.equal(ok, false);
    assert.match(text, /upstreams\.main\.tls\.ca/);
    assert.equal(await ask(), '200 served');
  } finally {
    await gateway.stop();
    upstream.closeAllConnections();
    upstream.close();
    authority.remove();
    rmSync(breaks, { recursive: true });
  }
});

/** Common name of the certificate a client is given; '' when its own connection was the one lost to a change. */
async function subject(port: number): Promise<string> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername: 'a.wild.test', rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    const { CN } = socket.getPeerCertificate().subject;
    return String(Array.isArray(CN) ? CN[0] : CN);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return '';
    throw error;
  } finally {
    socket.destroy();
  }
}

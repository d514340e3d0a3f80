import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, afterEach, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { SallyportError } from '../../src/errors.ts';
import { TlsListener } from '../../src/http/tls-listener.ts';
import { loadUws, type TemplatedApp } from '../../src/http/uws.ts';
import { loadMaterial, type TlsSettings } from '../../src/tls/material.ts';
import { type Snapshot, type TlsMaterial, takeSnapshot } from '../../src/tls/snapshot.ts';
import { type IssuedCertificate, TestAuthority } from '../support/certificates.ts';

let authority: TestAuthority;
let main: IssuedCertificate;
let renewed: IssuedCertificate;
let wild: IssuedCertificate;
let other: IssuedCertificate;
before(() => {
  authority = new TestAuthority();
  main = authority.issue({ names: ['main.test', 'exact.wild.test'], commonName: 'main' });
  renewed = authority.issue({ names: ['main.test', 'exact.wild.test'], commonName: 'renewed' });
  wild = authority.issue({ names: ['*.wild.test'], commonName: 'wild' });
  other = authority.issue({ names: ['other.test'], commonName: 'other' });
});
after(() => authority.remove());

const open: { close(): void }[] = [];
afterEach(() => {
  for (const { close } of open.splice(0)) close();
});

let generation = 0;
function snapshot(certificates: readonly IssuedCertificate[], minVersion: TlsSettings['minVersion'] = '1.3'): Snapshot {
  const settings = {
    minVersion,
    certificates: certificates.map(({ certificateFile, keyFile }) => ({ certificate: certificateFile, key: keyFile })),
  };
  generation += 1;
  const taken = takeSnapshot(loadMaterial(settings, Date.now()), generation);
  open.push({ close: taken.release });
  return taken;
}

function configure(app: TemplatedApp): void {
  app
    .any('/*', (response) => response.end('served'))
    .ws('/chat', {
      open: (socket) => socket.send('hello'),
      message: (socket, message, isBinary) => socket.send(message, isBinary),
    });
}

function listen(material: TlsMaterial): TlsListener {
  const listener = new TlsListener({ host: '127.0.0.1', port: 0, configure });
  open.push({ close: () => listener.close() });
  listener.apply(material);
  return listener;
}

function connect(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      ca: authority.root.certificatePem,
      checkServerIdentity: () => undefined,
      ...options,
    });
    open.push({ close: () => socket.destroy() });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Sends text and reads until `expected` has come. */
async function say(socket: tls.TLSSocket, text: string, expected: string): Promise<string> {
  let got = '';
  const onData = (chunk: Buffer) => {
    got += chunk.toString('latin1');
  };
  socket.on('data', onData);
  socket.write(text, 'latin1');
  while (!got.includes(expected)) await once(socket, 'data', { signal: AbortSignal.timeout(5_000) });
  socket.off('data', onData);
  return got;
}
const GET = 'GET / HTTP/1.1\r\nHost: main.test\r\n\r\n';
const UPGRADE =
  'GET /chat HTTP/1.1\r\nHost: main.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

/** The subject of the certificate that a client asking for `servername` is given. */
async function given(port: number, servername: string): Promise<string> {
  const socket = await connect(port, servername === '' ? {} : { servername });
  const name = String(socket.getPeerCertificate().subject.CN);
  assert.match(await say(socket, GET, 'served'), /^HTTP\/1\.1 200 OK/);
  socket.destroy();
  return name;
}

describe('TLS versions', () => {
  it('are 1.3 alone by default', async () => {
    const { port } = listen(snapshot([main]).material);
    assert.equal((await connect(port)).getProtocol(), 'TLSv1.3');
    for (const maxVersion of ['TLSv1.2', 'TLSv1.1'] as const) {
      await assert.rejects(connect(port, { maxVersion, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }), /alert/i);
    }
  });

  it('are 1.2 with forward secrecy as well by choice', async () => {
    const { port } = listen(snapshot([main], '1.2').material);
    assert.equal((await connect(port)).getProtocol(), 'TLSv1.3');
    const older = await connect(port, { maxVersion: 'TLSv1.2' });
    assert.equal(older.getProtocol(), 'TLSv1.2');
    assert.match(older.getCipher().name, /^ECDHE-ECDSA-(AES|CHACHA20).*(GCM|POLY1305)/);
    await assert.rejects(connect(port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }), /alert/i);
    await assert.rejects(
      connect(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }),
      /alert/i,
    );
  });
});

describe('server names', () => {
  it('choose the certificate: exact before wildcard, the first for everybody else', async () => {
    const { port } = listen(snapshot([main, wild, other]).material);
    const expected = {
      '': 'main',
      'main.test': 'main',
      'other.test': 'other',
      'a.wild.test': 'wild',
      'exact.wild.test': 'main',
      'a.b.wild.test': 'main',
      'wild.test': 'main',
      'stranger.test': 'main',
    };
    const found = Object.fromEntries(
      await Promise.all(Object.keys(expected).map(async (name) => [name, await given(port, name)] as const)),
    );
    assert.deepEqual(found, expected);
  });

  it('reach the WebSocket routes too', async () => {
    const { port } = listen(snapshot([main, wild]).material);
    for (const servername of ['main.test', 'a.wild.test']) {
      const answer = await say(await connect(port, { servername }), UPGRADE, 'hello');
      assert.match(answer, /^HTTP\/1\.1 101 /);
    }
  });
});

describe('a change of certificates', () => {
  it('gives new connections the new one, with and without a name, and lets old ones and WebSockets live', async () => {
    const before = snapshot([main, wild]);
    const listener = listen(before.material);
    before.release();
    const { port } = listener;
    const nameless = await connect(port);
    const named = await connect(port, { servername: 'a.wild.test' });
    const chat = await connect(port, { servername: 'a.wild.test' });
    await say(named, GET, 'served');
    await say(chat, UPGRADE, 'hello');
    for (const certificates of [
      [renewed, other],
      [main, wild, other],
      [renewed, wild],
    ]) {
      const next = snapshot(certificates);
      listener.apply(next.material);
      next.release();
      await settled(listener);
      for (let tries = 0; tries < 8; tries += 1) {
        assert.equal(await given(port, ''), certificates[0] === main ? 'main' : 'renewed');
      }
      await say(nameless, GET, 'served');
      await say(named, GET, 'served');
      // A masked text frame with the key 0: `ping`.
      await say(chat, '\x81\x84\0\0\0\0ping', 'ping');
    }
    assert.equal(await given(port, 'main.test'), 'renewed');
    assert.equal(await given(port, 'a.wild.test'), 'wild');
    assert.equal(await given(port, 'other.test'), 'renewed');
  });

  it('that the TLS library refuses leaves the old one in service', async () => {
    const good = snapshot([main]).material;
    const listener = listen(good);
    const [first] = good.certificates;
    const foreign = snapshot([other]).material.certificates[0];
    assert.ok(first && foreign);
    const mixed = { ...first, keyFile: foreign.keyFile };
    for (const certificates of [[mixed], [first, { ...mixed, names: ['other.test'] }], []]) {
      assert.throws(() => listener.apply({ ...good, certificates }), { code: 'SP_TLS_MATERIAL' });
    }
    assert.equal(await given(listener.port, ''), 'main');
    assert.equal(await given(listener.port, 'other.test'), 'main');
  });
});

describe('an HTTPS listener', () => {
  it('says what to do when it cannot listen', () => {
    const uws = loadUws();
    const holder = uws.App();
    let port = 0;
    holder.listen('127.0.0.1', 0, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
      assert.ok(socket);
      port = uws.us_socket_local_port(socket);
    });
    open.push({ close: () => holder.close() });
    const listener = new TlsListener({ host: '127.0.0.1', port, configure });
    open.push({ close: () => listener.close() });
    assert.throws(
      () => listener.apply(snapshot([main]).material),
      (error: SallyportError) =>
        error.code === 'SP_LISTEN' && error.message.includes(`127.0.0.1 port ${port}: it is in use`),
    );
  });

  it('takes nobody new after closeListener, and cuts everybody at close', async () => {
    const listener = listen(snapshot([main]).material);
    const socket = await connect(listener.port);
    listener.closeListener();
    await refused(listener);
    listener.apply(snapshot([renewed]).material);
    await refused(listener);
    await say(socket, GET, 'served');
    const ended = once(socket, 'close');
    listener.close();
    await ended;
    listener.close();
  });

  it('does not take the process down when its thread fails', async () => {
    const { port } = listen(snapshot([main]).material);
    const { material } = snapshot([main, wild]);
    const { worker } = await startThread(material, port);
    const failed = once(worker, 'error');
    worker.postMessage('fail');
    assert.match(String((await failed)[0]), /failed on purpose/);
    assert.equal(await given(port, ''), 'main');
  });
});

describe('twenty changes under load, two threads', () => {
  // 20.30 cannot hand connections over: what the kernel loses when a listen socket closes is 0 or 1 in such a run.
  const lossesMax = loadUws().buildName === 'uws-node20' ? 2 : 0;
  it(`fail at most ${lossesMax} handshakes with this build`, { timeout: 60_000 }, async (context) => {
    const listener = listen(snapshot([main, wild]).material);
    const { port } = listener;
    listener.closeListener();
    await refused(listener);
    const threads = await Promise.all([0, 1].map(() => startThread(snapshot([main, wild]).material, port)));
    const load = fork(fileURLToPath(new URL('../support/tls-load.js', import.meta.url)), [String(port)]);
    open.push({ close: () => load.kill('SIGKILL') });
    await once(load, 'message');
    for (let change = 0; change < 20; change += 1) {
      const next = snapshot(change % 2 === 0 ? [renewed, wild] : [main, wild]);
      for (const { worker } of threads) worker.postMessage(next.material);
      await Promise.all(threads.map(({ worker }) => once(worker, 'message')));
      next.release();
      // Load between the changes, not a wait for something: a change under no load would prove nothing.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { done, failures } = await finish(load);
    context.diagnostic(`${done} handshakes, failures ${JSON.stringify(failures)}`);
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
    assert.ok(done > 400, `only ${done} handshakes`);
    assert.ok(failed <= lossesMax, JSON.stringify(failures));
  });
});

/** Waits until the old listen socket is closed: from then on nobody is given an old certificate. */
async function settled(listener: TlsListener): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while (!listener.settled) {
    assert.ok(!deadline.aborted, 'the old listen socket stays open');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function refused(listener: TlsListener): Promise<void> {
  await settled(listener);
  await assert.rejects(connect(listener.port), { code: 'ECONNREFUSED' });
}

async function startThread(material: TlsMaterial, port: number): Promise<{ worker: Worker }> {
  const worker = new Worker(new URL('../support/tls-thread.js', import.meta.url), { workerData: { material, port } });
  // Not terminate(): it ends a thread without its `exit` event, and open sockets of uWebSockets.js then abort the
  // process.
  open.push({ close: () => worker.postMessage('stop') });
  await once(worker, 'message');
  return { worker };
}

async function finish(load: ChildProcess): Promise<{ done: number; failures: Record<string, number> }> {
  const answer = once(load, 'message');
  load.send('stop');
  const [result] = await answer;
  return result as { done: number; failures: Record<string, number> };
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { caddy } from '../../bench/peers/caddy.ts';
import { haproxy } from '../../bench/peers/haproxy.ts';
import { nginx } from '../../bench/peers/nginx.ts';
import type { Peer, PeerSetup } from '../../bench/peers/peer.ts';
import { sallyport } from '../../bench/peers/sallyport.ts';
import { versionOf } from '../../bench/servers.ts';
import { parseStubStatus } from '../../bench/upstream.ts';
import { Workspace } from '../../bench/workspace.ts';
import { loadConfig } from '../../src/config/load.ts';

const workspace = new Workspace();
after(() => workspace.remove());
const hasOpenssl = versionOf('openssl', 'version') !== null;
const SBIN = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

const bare: PeerSetup = { port: 18_001, upstreamPort: 18_002, duties: false, tls: null };
const setups: readonly (readonly [what: string, setup: () => PeerSetup])[] = [
  ['plain', () => bare],
  ['duties', () => ({ ...bare, duties: true })],
  ['TLS', () => ({ ...bare, tls: workspace.certificate() })],
];

/** What the proxy itself says of the configuration. */
const checks: readonly (readonly [peer: Peer, args: (launched: readonly string[]) => readonly string[]])[] = [
  [nginx, (launched) => [...launched, '-t', '-q']],
  [haproxy, () => ['-c', '-f', 'haproxy.cfg']],
  [caddy, () => ['validate', '--config', 'Caddyfile', '--adapter', 'caddyfile']],
];

describe('configurations that the peers themselves accept', () => {
  for (const [peer, args] of checks) {
    for (const [what, setup] of setups) {
      const missing = peer.version() === null ? `${peer.name} is not installed` : false;
      const skip = missing || (what === 'TLS' && !hasOpenssl ? 'openssl is not installed' : false);
      test(`${peer.name}, ${what}`, { skip }, () => {
        const { command, args: launched, files } = peer.launch(setup());
        const cwd = workspace.folder(peer.name);
        for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
        assert.doesNotThrow(() => execFileSync(command, args(launched), { cwd, env: SBIN, stdio: 'pipe' }));
      });
    }
  }
});

describe('Sallyport’s own', () => {
  for (const [what, setup] of setups) {
    test(what, { skip: what === 'TLS' && !hasOpenssl ? 'openssl is not installed' : false }, () => {
      const { files, env } = sallyport.launch(setup());
      const file = join(workspace.folder('sallyport'), 'gateway.yaml');
      writeFileSync(file, files['gateway.yaml'] ?? '');
      assert.equal(env?.SALLYPORT_CONFIG, 'gateway.yaml');
      const { config, warnings } = loadConfig({ file, env: {}, cwd: '.' });
      assert.deepEqual(warnings, []);
      assert.equal(config.threads, 1);
      assert.equal(config.log.access, what === 'duties');
      const { http, https } = config.listen;
      assert.deepEqual([http.port, https.port], what === 'TLS' ? [0, 18_001] : [18_001, 0]);
    });
  }

  test('does not hear the settings of the shell around the benchmark', () => {
    process.env.SALLYPORT_THREADS = '7';
    try {
      const { env } = sallyport.launch(bare);
      assert.ok(env !== undefined && Object.hasOwn(env, 'SALLYPORT_THREADS'));
      assert.equal(env.SALLYPORT_THREADS, undefined);
    } finally {
      delete process.env.SALLYPORT_THREADS;
    }
  });
});

describe('each peer is told the same', () => {
  const text = (peer: Peer, setup: PeerSetup) => Object.values(peer.launch(setup).files).join('\n');

  test('where to listen and where to forward', () => {
    for (const peer of [nginx, haproxy, caddy, sallyport]) {
      assert.match(text(peer, bare), /18001/, peer.name);
      assert.match(text(peer, bare), /127\.0\.0\.1:18002/, peer.name);
    }
  });

  test('to log and to make a request id only in the duties', () => {
    for (const peer of [nginx, haproxy, caddy]) {
      assert.doesNotMatch(text(peer, bare), /X-Request-Id|output file|log stdout|log_format/, peer.name);
      assert.match(text(peer, { ...bare, duties: true }), /X-Request-Id/, peer.name);
      assert.match(text(peer, { ...bare, duties: true }), /output file|log stdout|log_format/, peer.name);
    }
  });

  test('to work with one thread', () => {
    assert.match(text(nginx, bare), /worker_processes 1;/);
    assert.match(text(haproxy, bare), /nbthread 1\n/);
    assert.equal(caddy.launch(bare).env?.GOMAXPROCS, '1');
  });
});

test('the count of stub_status', () => {
  const page =
    'Active connections: 2 \nserver accepts handled requests\n 12 12 345 \nReading: 0 Writing: 1 Waiting: 1 \n';
  assert.deepEqual(parseStubStatus(page), { requests: 345, bodyBytes: null });
  assert.throws(() => parseStubStatus('<html>404</html>'), { message: /not a page of stub_status/ });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { caddy } from '../../bench/peers/caddy.ts';
import { haproxy } from '../../bench/peers/haproxy.ts';
import { modsecurity } from '../../bench/peers/modsecurity.ts';
import { nginx } from '../../bench/peers/nginx.ts';
import type { Peer, PeerSetup } from '../../bench/peers/peer.ts';
import { sallyport } from '../../bench/peers/sallyport.ts';
import { versionOf } from '../../bench/servers.ts';
import { parseStubStatus } from '../../bench/upstream.ts';
import { Workspace } from '../../bench/workspace.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readWafRules } from '../../src/gateway/waf-rules.ts';

const workspace = new Workspace();
after(() => workspace.remove());
const hasOpenssl = versionOf('openssl', 'version') !== null;
const SBIN = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

const REST = { adminPort: 0, threads: 1, credentials: null, requestsAllowed: 100, routes: 1 };
const BOTH = ['forwarded', 'access-log'] as const;
const bare: PeerSetup = { port: 18_001, upstreamPort: 18_002, duties: [], tls: null, ruleSet: null, ...REST };
const setups: readonly (readonly [what: string, setup: () => PeerSetup])[] = [
  ['plain', () => bare],
  ['duties', () => ({ ...bare, duties: BOTH })],
  ['TLS', () => ({ ...bare, tls: workspace.certificate() })],
];

const missingOf = (peer: Peer): string | false => (peer.version() === null ? `${peer.name} is not installed` : false);

/** What the proxy itself says of the configuration. */
const checks: readonly (readonly [peer: Peer, args: (launched: readonly string[]) => readonly string[]])[] = [
  [nginx, (launched) => [...launched, '-t', '-q']],
  [haproxy, () => ['-c', '-f', 'haproxy.cfg']],
  [caddy, () => ['validate', '--config', 'Caddyfile', '--adapter', 'caddyfile']],
];

describe('configurations that the peers themselves accept', () => {
  for (const [peer, args] of checks) {
    for (const [what, setup] of setups) {
      const missing = missingOf(peer);
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

describe('with a rule set', () => {
  const ruleFolder = workspace.folder('rules');
  const rule = 'SecRule ARGS "@contains attack" "id:1,phase:2,deny,status:403"\n';
  writeFileSync(join(ruleFolder, 'setup.conf'), '# nothing\n');
  writeFileSync(join(ruleFolder, 'rule.conf'), rule);
  const ruleSet = { setup: join(ruleFolder, 'setup.conf'), rules: join(ruleFolder, 'rule*.conf'), version: '1' };
  const guarded: PeerSetup = { ...bare, duties: ['rules'], ruleSet };

  test('ModSecurity takes its configuration', { skip: missingOf(modsecurity) }, () => {
    assert.match(modsecurity.version() ?? '', /^nginx version: .*, libmodsecurity 3\./);
    const { command, args, files } = modsecurity.launch(guarded);
    const cwd = workspace.folder('modsecurity');
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
    assert.doesNotThrow(() => execFileSync(command, [...args, '-t', '-q'], { cwd, env: SBIN, stdio: 'pipe' }));
  });

  test('both read the same files, block, and leave the bodies of answers alone', () => {
    const { files } = modsecurity.launch(guarded);
    const rules = files['modsecurity.conf'] ?? '';
    assert.ok(rules.endsWith(`Include ${ruleSet.setup}\nInclude ${ruleSet.rules}\n`));
    assert.match(rules, /^SecRuleEngine On\nSecRequestBodyAccess On$/m);
    assert.match(rules, /^SecResponseBodyAccess Off\nSecAuditEngine Off$/m);
    assert.match(files['nginx.conf'] ?? '', /X-Forwarded-For/);
    const file = join(workspace.folder('sallyport'), 'gateway.yaml');
    writeFileSync(file, sallyport.launch(guarded).files['gateway.yaml'] ?? '');
    const { config, warnings } = loadConfig({ file, env: {}, cwd: '.' });
    assert.deepEqual(warnings, []);
    assert.deepEqual(config.waf.rules, [ruleSet.setup, ruleSet.rules]);
    assert.deepEqual([config.waf.mode, config.waf.responseTypes, config.waf.audit.path], ['block', [], '']);
    assert.equal(config.waf.requestBodyBytesMax, Number(/^SecRequestBodyLimit (\d+)$/m.exec(rules)?.[1]));
    assert.notEqual(readWafRules(config), null);
  });
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
      assert.match(text(peer, { ...bare, duties: BOTH }), /X-Request-Id/, peer.name);
      assert.match(text(peer, { ...bare, duties: BOTH }), /output file|log stdout|log_format/, peer.name);
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

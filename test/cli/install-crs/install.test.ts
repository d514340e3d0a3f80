import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { type InstallOptions, installCrs, releaseUrl } from '../../../src/cli/install-crs/install.ts';
import { addWafCommand } from '../../../src/cli/waf.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { readWafRules } from '../../../src/gateway/waf-rules.ts';
import { type ArchiveEntry, ruleSetEntries, tarGz } from '../../support/archives.ts';
import { TestAuthority } from '../../support/certificates.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const NOW_MS = Date.UTC(2026, 1, 3, 4, 5, 6);
const whole = mkdtempSync(join(tmpdir(), 'sallyport-install-crs-'));
const authority = new TestAuthority();
const { certificatePem: cert, keyPem: key } = authority.issue({ names: ['localhost', 'IP:127.0.0.1'] });

/** Path to what is answered; null for an answer that never ends. */
const served = new Map<string, Buffer | null>();
const server = createServer({ cert, key }, (request, response) => {
  const bytes = served.get(request.url ?? '');
  if (bytes === undefined) response.writeHead(404).end();
  else if (bytes === null) response.writeHead(200, { 'content-length': 1_000 }).write('half');
  else response.end(bytes);
});
const url = (path: string): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  server.closeAllConnections();
  server.close();
  authority.remove();
  rmSync(whole, { recursive: true });
});

let cwd = '';
let count = 0;
beforeEach(() => {
  count += 1;
  cwd = join(whole, String(count));
  mkdirSync(cwd);
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const refused = (words: RegExp) => ({ code: 'SP_RULE_SET_INSTALL', message: words });

async function install(options: Partial<InstallOptions>): Promise<string> {
  let text = '';
  const usual = { into: 'crs', replace: false, cwd, nowMs: NOW_MS, env: {}, ca: authority.root.certificatePem };
  await installCrs({ ...usual, ...options }, (piece) => {
    text += piece;
  });
  return text.replaceAll(cwd, '<cwd>');
}

/** As a file beside the place. */
function archive(entries: readonly ArchiveEntry[]): string {
  writeFileSync(join(cwd, 'crs.tar.gz'), tarGz(entries));
  return 'crs.tar.gz';
}

const inside = (path: string): string => readFileSync(join(cwd, 'crs', path), 'utf8');
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), text);
};
const release = (version: string) => install({ from: archive(ruleSetEntries(version)) });

describe('what is installed', () => {
  test('from an archive: its rules load, and the line that switches them on is printed', async () => {
    const sum = sha256(tarGz(ruleSetEntries('4.7.1')));
    assert.equal(
      await release('4.7.1'),
      `OWASP_CRS/4.7.1 from <cwd>/crs.tar.gz, sha256 ${sum}
6 files are in <cwd>/crs; its rules compile

waf: { crs: "<cwd>/crs" }
`,
    );
    assert.deepEqual(readdirSync(cwd).toSorted(), ['crs', 'crs.tar.gz']);
    assert.deepEqual(readdirSync(join(cwd, 'crs')).toSorted(), [
      'LICENSE',
      'crs-setup.conf.example',
      'plugins',
      'rules',
    ]);
    assert.equal(statSync(join(cwd, 'crs')).mode & 0o777, 0o755);
    assert.equal(statSync(join(cwd, 'crs/rules/words.data')).mode & 0o777, 0o644);
    const text = `waf: { crs: "${cwd}/crs" }
upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }
routes: [{ name: all, upstream: api }]
`;
    const rules = readWafRules(loadConfig({ text, env: {}, cwd }).config);
    assert.deepEqual(
      rules?.entries.rules.map((path) => path.replace(cwd, '<cwd>')),
      ['<cwd>/crs/plugins/empty-config.conf', '<cwd>/crs/rules/REQUEST-942.conf'],
    );
  });

  test('from a server, held to its checksum', async () => {
    const bytes = tarGz(ruleSetEntries('4.7.1'));
    served.set('/crs.tar.gz', bytes);
    const from = `${url('/crs.tar.gz')}?token=secret`;
    served.set('/crs.tar.gz?token=secret', bytes);
    const text = await install({ from, version: '4.7.1', sha256: sha256(bytes).toUpperCase() });
    assert.match(text, new RegExp(`^OWASP_CRS/4\\.7\\.1 from ${url('/crs.tar.gz')}, sha256 ${sha256(bytes)}\n`));
  });

  test('from a folder, and into an empty one', async () => {
    await release('4.7.1');
    mkdirSync(join(cwd, 'other'));
    assert.match(await install({ from: 'crs', into: 'other' }), /^OWASP_CRS\/4\.7\.1 from <cwd>\/crs\n6 files/);
    assert.deepEqual(readdirSync(join(cwd, 'other/rules')), readdirSync(join(cwd, 'crs/rules')));
  });

  test('from Debian’s package, whose settings lie elsewhere', async () => {
    await release('3.3.4');
    const [share, etc] = ['usr/share/modsecurity-crs', 'etc/modsecurity/crs'];
    cpSync(join(cwd, 'crs/rules'), join(cwd, share, 'rules'), { recursive: true });
    await assert.rejects(install({ from: share, into: 'new' }), refused(/no crs-setup\.conf\.example in it/));
    put(`${etc}/crs-setup.conf`, '# of Debian\n');
    put(`${etc}/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf`, '# before\n');
    put(`${etc}/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf`, '# after\n');
    await install({ from: share, into: 'new', version: '3.3.4' });
    const found = ['crs-setup.conf', ...readdirSync(join(cwd, 'new/rules')).map((name) => `rules/${name}`)];
    assert.deepEqual(found.toSorted(), [
      'crs-setup.conf',
      'rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf',
      'rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf.example',
      'rules/REQUEST-942.conf',
      'rules/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf',
      'rules/words.data',
    ]);
    assert.equal(readFileSync(join(cwd, 'new/crs-setup.conf'), 'utf8'), '# of Debian\n');
  });

  const crs = sharedMaterial('crs');
  test('the Core Rule Set itself', { skip: crs === null && NO_MATERIAL }, async () => {
    const text = await install({ from: crs ?? '' });
    assert.match(text, /^OWASP_CRS\/4\.\d+\.\d+(-dev)? from .*\n\d+ files are in <cwd>\/crs; its rules compile\n/);
    assert.deepEqual(readdirSync(join(cwd, 'crs/rules')), readdirSync(join(crs ?? '', 'rules')));
    assert.ok(!existsSync(join(cwd, 'crs/tests')));
  });
});

describe('what is not', () => {
  const nothing = (): void =>
    assert.ok(
      readdirSync(cwd).every((name) => name === 'crs.tar.gz'),
      readdirSync(cwd).join(),
    );

  test('nothing is fetched without a checksum, nor with another one', async () => {
    const bytes = tarGz(ruleSetEntries('4.7.1'));
    served.set('/crs.tar.gz', bytes);
    const from = url('/crs.tar.gz');
    await assert.rejects(install({ from }), refused(/nothing is fetched without --sha256/));
    await assert.rejects(install({ version: '4.7.1' }), refused(/nothing is fetched without --sha256/));
    await assert.rejects(install({ sha256: sha256(bytes) }), refused(/name a --version/));
    const other = sha256(Buffer.from('other'));
    const words = new RegExp(`sha256 ${sha256(bytes)}, not ${other}; nothing of it was used`);
    await assert.rejects(install({ from, sha256: other }), refused(words));
    archive(ruleSetEntries('4.7.1'));
    await assert.rejects(install({ from: 'crs.tar.gz', sha256: other }), refused(words));
    await assert.rejects(install({ from: url('/absent'), sha256: other }), refused(/answers 404/));
    await assert.rejects(install({ from: 'http://127.0.0.1/x', sha256: other }), refused(/not an https:\/\/ URL/));
    nothing();
  });

  test('what is neither file nor folder, or a folder with a checksum', async () => {
    await assert.rejects(install({ from: 'absent' }), refused(/absent" is neither a file nor a folder/));
    await assert.rejects(install({ from: cwd, sha256: sha256(Buffer.alloc(0)) }), refused(/leave --sha256 out/));
    await assert.rejects(install({ from: cwd }), refused(/no rules\/\*\.conf/));
    nothing();
  });

  test('rules that do not compile: each is named as it would stand', async () => {
    const from = archive(ruleSetEntries('4.7.1', '@nobodyKnows x'));
    await assert.rejects(install({ from }), (error: Error) => {
      assert.match(error.message, /^the rules of waf cannot be used:\n {2}/);
      assert.ok(error.message.includes(`${cwd}/crs/rules/REQUEST-942.conf:1`), error.message);
      assert.match(error.message, /\nnothing was installed$/);
      return true;
    });
    nothing();
  });

  test('another version, or a hostile archive', async () => {
    const from = archive(ruleSetEntries('4.7.1'));
    await assert.rejects(install({ from, version: '4.7.2' }), refused(/those of 4\.7\.1, not of 4\.7\.2/));
    archive([...ruleSetEntries('4.7.1'), { path: 'coreruleset-4.7.1/../../evil', body: 'x' }]);
    await assert.rejects(install({ from }), refused(/may leave its folder; nothing of it was used/));
    archive([
      ...ruleSetEntries('4.7.1'),
      { path: 'coreruleset-4.7.1/rules/x.conf', type: 'SymbolicLink', linkpath: '/etc/passwd' },
    ]);
    await assert.rejects(install({ from }), refused(/which is a SymbolicLink/));
    nothing();
    assert.ok(!existsSync(join(whole, 'evil')));
  });

  test('a place that is something else', async () => {
    const from = archive(ruleSetEntries('4.7.1'));
    put('file', 'x');
    put('full/other', 'x');
    symlinkSync('nowhere', join(cwd, 'dangling'));
    await assert.rejects(install({ from, into: 'file', replace: true }), refused(/file is not a folder/));
    await assert.rejects(install({ from, into: 'dangling', replace: true }), refused(/dangling is not a folder/));
    await assert.rejects(install({ from, into: 'full', replace: true }), refused(/something else than a rule set/));
    await assert.rejects(install({ from, into: 'no/where' }), refused(/the folder .*\/no is not there; make it first/));
    assert.deepEqual(readdirSync(cwd).toSorted(), ['crs.tar.gz', 'dangling', 'file', 'full']);
  });
});

describe('where a rule set is already', () => {
  test('the same one again changes nothing', async () => {
    await release('4.7.1');
    const { ino } = statSync(join(cwd, 'crs'));
    put('crs/crs-setup.conf', '# mine\n');
    put('crs/plugins/mine-after.conf', '# mine\n');
    assert.match(await release('4.7.1'), /^OWASP_CRS\/4\.7\.1 is in <cwd>\/crs already: nothing was changed\n\nwaf:/);
    assert.equal(statSync(join(cwd, 'crs')).ino, ino);
    assert.deepEqual(readdirSync(cwd).toSorted(), ['crs', 'crs.tar.gz']);
  });

  test('another one stays, unless it is to be replaced', async () => {
    await release('4.7.1');
    await assert.rejects(
      release('4.8.0'),
      refused(/holds another rule set, or a changed one: 4\.7\.1; --replace puts/),
    );
    put('crs/rules/words.data', 'changed\n');
    await assert.rejects(release('4.7.1'), refused(/--replace puts/));
    assert.equal(inside('rules/words.data'), 'changed\n');
    assert.deepEqual(readdirSync(cwd).toSorted(), ['crs', 'crs.tar.gz']);
  });

  test('replaced: what is the operator’s goes over, and the former one is kept', async () => {
    await release('4.7.1');
    put('crs/crs-setup.conf', 'SecAction "id:900001,phase:1,pass,nolog,setvar:tx.level=2"\n');
    chmodSync(join(cwd, 'crs/crs-setup.conf'), 0o640);
    put('crs/rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf', '# mine, before\n');
    put('crs/rules/own.conf', '# mine, under a name that nobody knows\n');
    put('crs/util/tool', 'x');
    put('crs/plugins/mine-after.conf', '# mine\n');
    put('crs/plugins/empty-config.conf', '# changed\n');
    const text = await install({ from: archive(ruleSetEntries('4.8.0')), replace: true });
    assert.match(
      text,
      /\nkept of the former folder: crs-setup\.conf, rules\/REQUEST-900-[A-Z-]+\.conf, plugins\/mine-after\.conf\n/,
    );
    assert.match(text, /\nin the former folder only: rules\/own\.conf, util\/\n/);
    assert.match(text, /\nthe former folder is <cwd>\/crs\.until-20260203T040506Z\n/);
    assert.match(inside('crs-setup.conf'), /tx\.level=2/);
    assert.equal(statSync(join(cwd, 'crs/crs-setup.conf')).mode & 0o777, 0o640);
    assert.equal(inside('rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf'), '# mine, before\n');
    assert.equal(inside('plugins/mine-after.conf'), '# mine\n');
    assert.equal(inside('plugins/empty-config.conf'), '# empty\n');
    assert.match(inside('rules/REQUEST-942.conf'), /OWASP_CRS\/4\.8\.0/);
    const former = join(cwd, 'crs.until-20260203T040506Z');
    assert.match(readFileSync(join(former, 'rules/REQUEST-942.conf'), 'utf8'), /OWASP_CRS\/4\.7\.1/);
    assert.ok(existsSync(join(former, 'rules/own.conf')));
    assert.deepEqual(readdirSync(cwd).toSorted(), ['crs', 'crs.tar.gz', 'crs.until-20260203T040506Z']);
  });

  test('the operator’s own set-up must go with the new rules', async () => {
    await release('4.7.1');
    put('crs/crs-setup.conf', 'SecAction "id:942001,phase:1,pass,nolog"\n');
    const from = archive(ruleSetEntries('4.8.0'));
    await assert.rejects(install({ from, replace: true }), refused(/942001[\s\S]*nothing was installed$/));
    assert.match(inside('rules/REQUEST-942.conf'), /OWASP_CRS\/4\.7\.1/);
    assert.deepEqual(readdirSync(cwd).toSorted(), ['crs', 'crs.tar.gz']);
  });

  test('behind a link: the folder is replaced, not the link', async () => {
    await release('4.7.1');
    symlinkSync('crs', join(cwd, 'link'));
    await install({ from: archive(ruleSetEntries('4.8.0')), into: 'link', replace: true });
    assert.match(readFileSync(join(cwd, 'link/rules/REQUEST-942.conf'), 'utf8'), /OWASP_CRS\/4\.8\.0/);
    assert.deepEqual(readdirSync(cwd).toSorted(), ['crs', 'crs.tar.gz', 'crs.until-20260203T040506Z', 'link']);
  });

  test('what a killed installation left is removed, when it is old', async () => {
    for (const name of ['.crs.new-OldOne', '.crs.new-Recent']) put(`${name}/rules/x.conf`, '# half\n');
    const old = NOW_MS / 1_000 - 7_200;
    utimesSync(join(cwd, '.crs.new-OldOne'), old, old);
    await release('4.7.1');
    assert.deepEqual(readdirSync(cwd).toSorted(), ['.crs.new-Recent', 'crs', 'crs.tar.gz']);
  });
});

describe('the command', { timeout: 60_000 }, () => {
  const env = () => ({ ...process.env, NODE_EXTRA_CA_CERTS: join(authority.folder, 'root.crt') });
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, [MAIN, 'waf', 'install-crs', ...args], { cwd, encoding: 'utf8', env: env() });

  test('options that make no sense', async () => {
    const cases: readonly (readonly [args: readonly string[], words: RegExp])[] = [
      [[], /required option '--into <folder>'/],
      [['--into', 'x', '--version', '../../evil'], /It must be a release, such as 4\.29\.0/],
      [['--into', 'x', '--sha256', 'abc'], /It must be 64 hexadecimal digits/],
    ];
    for (const [args, words] of cases) {
      const program = new Command('sallyport').exitOverride();
      addWafCommand(program, async () => assert.fail('it ran'));
      for (const one of program.commands.flatMap(({ commands }) => commands)) {
        one.exitOverride().configureOutput({ writeErr: () => undefined });
      }
      await assert.rejects(program.parseAsync(['waf', 'install-crs', ...args], { from: 'user' }), { message: words });
    }
  });

  test('a refusal: one line, its code, exit code 1', () => {
    const { status, stdout, stderr } = run('--into', 'crs', '--version', '4.29.0');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /^sallyport: nothing is fetched without --sha256: .* \[SP_RULE_SET_INSTALL\]\n$/);
  });

  test('a download that is killed leaves everything as it was', async () => {
    await release('4.7.1');
    const before = readdirSync(cwd);
    served.set('/stalled', null);
    const sum = sha256(Buffer.from('any'));
    const args = ['--into', 'crs', '--replace', '--from', url('/stalled'), '--sha256', sum];
    const asked = once(server, 'request');
    const child = spawn(process.execPath, [MAIN, 'waf', 'install-crs', ...args], { cwd, env: env(), stdio: 'ignore' });
    await asked;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    assert.deepEqual(readdirSync(cwd), before);
    assert.match(inside('rules/REQUEST-942.conf'), /OWASP_CRS\/4\.7\.1/);
  });

  test('from a server to the line of YAML', async () => {
    const bytes = tarGz(ruleSetEntries('4.7.1'));
    served.set('/crs.tar.gz', bytes);
    const args = ['--into', 'crs', '--version', '4.7.1', '--from', url('/crs.tar.gz'), '--sha256', sha256(bytes)];
    const child = spawn(process.execPath, [MAIN, 'waf', 'install-crs', ...args], { cwd, env: env() });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (text += piece));
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 0, text);
    assert.ok(text.endsWith(`\nwaf: { crs: "${cwd}/crs" }\n`), text);
  });

  test('where releases are', () => {
    assert.equal(
      releaseUrl('4.29.0'),
      'https://github.com/coreruleset/coreruleset/releases/download/v4.29.0/coreruleset-4.29.0-minimal.tar.gz',
    );
  });
});

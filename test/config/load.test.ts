import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CONFIG_BYTES_MAX, DEFAULT_CONFIG_FILE, loadConfig } from '../../src/config/load.ts';
import { describeProblem } from '../../src/config/problems.ts';
import { load, MINIMAL, refused } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
after(() => rmSync(folder, { recursive: true }));

describe('what is loaded', () => {
  test('fills in every default and freezes everything', () => {
    const { config } = load(MINIMAL);
    assert.equal(config.listen.http.port, 8080);
    assert.equal(config.upstreams.api?.targets[0]?.weight, 1);
    assert.equal(config.upstreams.api?.health.passive.ejectPercentMax, 50);
    assert.deepEqual(config.routes[0]?.paths, ['/*']);
    assert.deepEqual(config.routes[0]?.methods, []);
    let objects = 0;
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      objects += 1;
      assert.ok(Object.isFrozen(value));
      Object.values(value).forEach(visit);
    };
    visit(config);
    assert.ok(objects > 30, `${objects} objects`);
    assert.throws(() => Object.assign(config.limits, { bodyBytesMax: 1 }), TypeError);
  });

  test('gives two loads objects of their own', () => {
    assert.notEqual(load(MINIMAL).config.log.redact, load(MINIMAL).config.log.redact);
  });

  test('takes a route’s body limit from limits when it has none', () => {
    const text = `limits: { bodyBytesMax: 77 }\n${MINIMAL}  - { name: own, paths: [/own], upstream: api, policies: { bodyBytesMax: 5 } }\n`;
    const limits = load(text).config.routes.map((route) => route.policies.bodyBytesMax);
    assert.deepEqual(limits, [77, 5]);
  });

  test('puts host names into lower case', () => {
    assert.deepEqual(load(`${MINIMAL}    hosts: [API.Example.COM]\n`).config.routes[0]?.hosts, ['api.example.com']);
  });

  test('reads JSON, a byte order mark and CRLF', () => {
    const json = JSON.stringify({ threads: 3, ...{ upstreams: {}, routes: [] } });
    assert.equal(load(json).config.threads, 3);
    writeFileSync(join(folder, 'bom.yaml'), `\ufeff${MINIMAL.replaceAll('\n', '\r\n')}`);
    assert.equal(loadConfig({ file: 'bom.yaml', env: {}, cwd: folder }).config.routes.length, 1);
  });

  test('reads aliases', () => {
    const text = `${MINIMAL}    policies: &strict { totalMs: 9 }\n  - { name: b, paths: [/b], upstream: api, policies: *strict }\n`;
    assert.deepEqual(
      load(text).config.routes.map((route) => route.policies.totalMs),
      [9, 9],
    );
  });
});

describe('which configuration', () => {
  test('the one that ships when none is named, with SALLYPORT_UPSTREAM as its target', () => {
    const plain = loadConfig({ env: {}, cwd: '/' });
    assert.deepEqual([plain.isDefault, plain.file, plain.warnings], [true, DEFAULT_CONFIG_FILE, []]);
    assert.deepEqual(plain.config.upstreams.default?.targets, [{ url: 'http://127.0.0.1:3000', weight: 1 }]);
    const fronting = loadConfig({ env: { SALLYPORT_UPSTREAM: 'http://10.1.1.1:81' }, cwd: '/' });
    assert.deepEqual(fronting.config.upstreams.default?.targets, [{ url: 'http://10.1.1.1:81', weight: 1 }]);
    assert.deepEqual(fronting.warnings, []);
  });

  test('a bad SALLYPORT_UPSTREAM is named', () => {
    const [problem] = refused(() => loadConfig({ env: { SALLYPORT_UPSTREAM: 'localhost:3000' }, cwd: '/' }));
    assert.equal(problem?.source, 'SALLYPORT_UPSTREAM');
    assert.match(problem?.found ?? '', /^"localhost:3000" has a form that is not allowed$/);
  });

  test('SALLYPORT_CONFIG, unless a file is named; SALLYPORT_UPSTREAM then has no effect and is warned of', () => {
    writeFileSync(join(folder, 'a.yaml'), `threads: 1\n${MINIMAL}`);
    writeFileSync(join(folder, 'b.yaml'), `threads: 2\n${MINIMAL}`);
    const env = { SALLYPORT_CONFIG: 'a.yaml', SALLYPORT_UPSTREAM: 'http://10.1.1.1' };
    const loaded = loadConfig({ env, cwd: folder });
    assert.deepEqual([loaded.config.threads, loaded.source, loaded.file], [1, 'a.yaml', join(folder, 'a.yaml')]);
    assert.deepEqual(
      loaded.warnings.map((warning) => warning.source),
      ['SALLYPORT_UPSTREAM'],
    );
    assert.equal(loadConfig({ file: 'b.yaml', env, cwd: folder }).config.threads, 2);
  });

  test('a file that cannot be read is a problem with a remedy', () => {
    mkdirSync(join(folder, 'directory'), { recursive: true });
    symlinkSync('circle', join(folder, 'circle'));
    writeFileSync(join(folder, 'large.yaml'), '');
    truncateSync(join(folder, 'large.yaml'), CONFIG_BYTES_MAX + 1);
    const cases = {
      'missing.yaml': 'does not exist',
      directory: 'is not a regular file',
      circle: 'is a link in a circle',
      'nul\0.yaml': 'has a name that no file can have',
      '/dev/zero': 'is not a regular file',
      'large.yaml': `is longer than ${CONFIG_BYTES_MAX} bytes`,
    };
    for (const [file, words] of Object.entries(cases)) {
      const problems = refused(() => loadConfig({ file, env: {}, cwd: folder }));
      assert.deepEqual(
        problems.map((problem) => problem.found),
        [`the configuration file ${words}`],
      );
      assert.notEqual(problems[0]?.remedy, '');
    }
  });
});

describe('references', () => {
  const target = (url: string) => MINIMAL.replace('http://127.0.0.1:3000', url);
  const urlOf = (url: string, env: Record<string, string>) =>
    load(target(url), env).config.upstreams.api?.targets[0]?.url;

  test('variables, defaults and an escaped opening', () => {
    assert.equal(urlOf(`http://\${HOST}:\${PORT:-81}`, { HOST: 'a' }), 'http://a:81');
    assert.equal(urlOf(`http://\${HOST:-b}`, { HOST: '' }), 'http://b');
    assert.equal(load(`problems: { typeBase: "urn:$\${x}" }\n${MINIMAL}`).config.problems.typeBase, `urn:\${x}`);
  });

  test('files, relative to the configuration, without their last line end', () => {
    mkdirSync(join(folder, 'conf'), { recursive: true });
    writeFileSync(join(folder, 'conf', 'token'), '0123456789abcdef\r\n');
    writeFileSync(join(folder, 'conf', 'gateway.yaml'), `admin: { token: "file:\${NAME}" }\n${MINIMAL}`);
    const { config } = loadConfig({ file: 'conf/gateway.yaml', env: { NAME: 'token' }, cwd: folder });
    assert.equal(config.admin.token, '0123456789abcdef');
  });

  test('what a reference brings is not another reference', () => {
    const text = `problems: { typeBase: "urn:\${A}" }\n${MINIMAL}`;
    assert.equal(load(text, { A: `\${B}`, B: 'x' }).config.problems.typeBase, `urn:\${B}`);
    const token = load(`admin: { token: "\${A}" }\n${MINIMAL}`, { A: 'file:/etc/hostname-of-nowhere' }).config.admin
      .token;
    assert.equal(token, 'file:/etc/hostname-of-nowhere');
  });

  test('names of Object’s own members are not variables', () => {
    assert.match(refused(() => urlOf(`http://\${constructor}`, {}))[0]?.found ?? '', /constructor is not set/);
  });

  test('names of files in keys start at the configuration’s folder', () => {
    writeFileSync(join(folder, 'cert.pem'), 'x');
    const text = `listen: { https: { port: 8443 } }\ntls: { certificates: [{ certificate: cert.pem, key: cert.pem }] }\n${MINIMAL}`;
    const row = load(text, {}, folder).config.tls.certificates[0];
    assert.deepEqual([row?.certificate, row?.key], [join(folder, 'cert.pem'), join(folder, 'cert.pem')]);
  });
});

describe('secrets', () => {
  const SECRET = 'correct-horse-battery-staple';

  test('no message shows the admin token, wherever it comes from', () => {
    writeFileSync(join(folder, 'secret'), `${SECRET} with a blank\n`);
    const texts = [
      [`admin: { token: "${SECRET} with a blank" }\n`, {}],
      [`admin: { token: "\${T}" }\n`, { T: `${SECRET} é` }],
      ['admin: { token: file:secret }\n', {}],
      [`admin: { token: [${SECRET}] }\n`, {}],
      [`admin: ${SECRET}\n`, {}],
      [`admin: { tokn: ${SECRET} }\n`, {}],
      [`admin: { token: "${SECRET} }\n`, {}],
      [`admin: { token: *${SECRET} }\n`, {}],
      [`admin: { token: !${SECRET} x }\n`, {}],
      [`admin: { token: &${SECRET} a, host: &${SECRET} b }\n`, {}],
      [`admin: { token: "\\${SECRET}" }\n`, {}],
      [`admin: { token: @${SECRET} }\n`, {}],
      ['', { SALLYPORT_ADMIN_TOKEN: `${SECRET} é` }],
    ] as const;
    for (const [text, env] of texts) {
      const problems = refused(() => load(`${text}${MINIMAL}`, env, folder));
      assert.doesNotMatch(problems.map(describeProblem).join('\n'), /horse/, text);
      for (const { path } of problems) assert.match(path, /^(admin\b.*)?$/, text);
    }
  });

  test('nor a password in a target, nor what a reference held', () => {
    for (const url of [`http://u:${SECRET}@h:1`, `"u:${SECRET}@h"`, `"http://u:${SECRET}@h:0/"`, `\${URL}`]) {
      const text = MINIMAL.replace('http://127.0.0.1:3000', url);
      const problems = refused(() => load(text, { URL: `ftp://${SECRET}` }));
      assert.doesNotMatch(problems.map(describeProblem).join('\n'), /horse/, url);
    }
  });
});

test('the error’s message has every problem', () => {
  const text = `${MINIMAL.replace('upstream: api', 'upstraem: api')}\nthreads: many\n`;
  assert.throws(() => load(text), {
    name: 'ConfigError',
    message:
      '2 problems in configuration text:\n' +
      '  routes[0].upstraem  (configuration text:8:5)  unknown key "upstraem"; did you mean "upstream"?\n' +
      '  threads  (configuration text:10:1)  expected an integer, found string "many"; write 0 to 128 threads;' +
      ' to set it from outside use SALLYPORT_THREADS',
  });
});

test('warnings name what works but is likely not meant', () => {
  const text = `
trustedProxies: [0.0.0.0/0]
limits: { headBytesMax: 4096 }
listen: { http: { proxyProtocol: true } }
upstreams:
  api:
    targets: [{ url: "https://127.0.0.1:3000" }]
    tls: { verify: false }
  spare:
    targets: [{ url: "http://127.0.0.1:3001" }]
routes:
  - { name: all, upstream: api }
`;
  assert.deepEqual(
    load(text).warnings.map((warning) => `${warning.path}:${warning.line}`),
    ['trustedProxies[0]:2', 'limits.targetBytesMax:3', 'upstreams.api.tls.verify:8', 'upstreams.spare:9'],
  );
  assert.deepEqual(
    load(text.replace('trustedProxies: [0.0.0.0/0]', '')).warnings.map((warning) => warning.path),
    ['limits.targetBytesMax', 'listen.http.proxyProtocol', 'upstreams.api.tls.verify', 'upstreams.spare'],
  );
  assert.equal(load('upstreams: {}\nroutes: []\n').warnings[0]?.found, 'there is no route: every request gets 404');
});

describe('warnings about address lists and rate limits', () => {
  const warned = (rest: string): string[] =>
    load(`${rest}\n${MINIMAL}`).warnings.map(({ path, found }) => `${path}: ${found}`);
  const limit = (windows: string, more = ''): string[] =>
    warned(`rateLimits: { p: { everyRoute: true, windows: [${windows}]${more} } }`);

  test('a range that is wider than it looks', () => {
    assert.deepEqual(warned('access: { deny: [10.1.2.3/8, 10.0.0.0/8, 10.1.2.3, 10.1.2.3/32, "::/0", "0:0::/64"] }'), [
      'access.deny[0]: "10.1.2.3/8" has bits below its prefix: all of 10.0.0.0/8 is meant',
    ]);
    assert.deepEqual(warned('access: { deny: ["::ffff:10.1.2.3/104", "::ffff:10.1.2.3"] }'), [
      'access.deny[0]: "::ffff:10.1.2.3/104" has bits below its prefix: all of ::ffff:10.0.0.0/104 is meant',
    ]);
    assert.deepEqual(limit('{ limit: 2, windowMs: 1000 }', ', exempt: ["2001:db8::1/32", "2001:DB8::/32"]'), [
      'rateLimits.p.exempt[0]: "2001:db8::1/32" has bits below its prefix: all of 2001:db8::/32 is meant',
    ]);
  });

  test('a window that is never what refuses', () => {
    const longer = 'a longer window allows no more: this one hardly matters';
    const shorter = 'a shorter window never lets so many through: this one never fills';
    const second = (count: number): string => `{ limit: ${count}, windowMs: 1000 }`;
    const minute = (count: number): string => `{ limit: ${count}, windowMs: 60000 }`;
    assert.deepEqual(limit(`${second(10)}, ${minute(9)}`), [`rateLimits.p.windows[0].limit: ${longer}`]);
    assert.deepEqual(limit(`${minute(10)}, ${second(10)}`), [`rateLimits.p.windows[1].limit: ${longer}`]);
    assert.deepEqual(limit(`${second(10)}, ${minute(11)}`), []);
    assert.deepEqual(limit(`${second(10)}, ${minute(629)}`), []);
    assert.deepEqual(limit(`${second(10)}, ${minute(630)}`), [`rateLimits.p.windows[1].limit: ${shorter}`]);
    assert.deepEqual(limit(`${second(10)}, ${minute(630)}`, ', penalise: true'), []);
    const single = 'one in a sliding window: who asks all the time gets one in two windows';
    assert.deepEqual(limit(second(1)), [`rateLimits.p.windows[0].limit: ${single}`]);
    assert.deepEqual(limit(second(2)), []);
  });

  test('no more windows than a decision has room for, with those that an API key may bring', () => {
    const windows = [1_000, 60_000, 3_600_000, 86_400_000].map((windowMs, at) => ({ limit: 2 * 10 ** at, windowMs }));
    const names = Array.from({ length: 16 }, (_, at) => `p${at}`);
    const text = (more: object) =>
      JSON.stringify({
        rateLimits: Object.fromEntries(names.map((name) => [name, { windows }])),
        apiKeys: { store: 'file', file: '/nowhere/keys', secret: 'a-secret-of-thirty-two-characters-and-more' },
        upstreams: { api: { targets: [{ url: 'http://127.0.0.1:3000' }] } },
        routes: [{ name: 'all', upstream: 'api', policies: { rateLimits: names, ...more } }],
      });
    load(text({}));
    load(text({ rateLimits: names.slice(1), auth: { apiKeys: true } }));
    assert.throws(
      () => load(text({ auth: { apiKeys: true } })),
      /64 windows, and up to 4 of an API key, hold for this route; there may be 64/,
    );
  });

  test('a policy that nobody uses, and one that is named where it holds anyway', () => {
    const windows = 'windows: [{ limit: 2, windowMs: 1000 }]';
    const text = `
rateLimits:
  spare: { ${windows} }
  used: { ${windows} }
  all: { ${windows}, everyRoute: true }
upstreams:
  api: { targets: [{ url: "http://127.0.0.1:3000" }] }
routes:
  - { name: all, upstream: api, policies: { rateLimits: [all, used] } }
`;
    assert.deepEqual(
      load(text).warnings.map(({ path, line, found }) => `${path}:${line}: ${found}`),
      [
        'rateLimits.spare:3: no route uses this rate limit',
        'routes[0].policies.rateLimits[0]:9: "all" holds for every route already',
      ],
    );
  });
});

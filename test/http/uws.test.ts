import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http from 'node:http';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SallyportError } from '../../src/errors.ts';
import { type BuildName, loadUws, type Machine, pickBuild, setHeadBytesMax } from '../../src/http/uws.ts';

const whole = () => ({
  App: () => undefined,
  SSLApp: () => undefined,
  us_listen_socket_close: () => undefined,
  us_socket_local_port: () => 0,
  _cfg: () => undefined,
  LIBUS_LISTEN_EXCLUSIVE_PORT: 1,
  DISABLED: 0,
  SHARED_COMPRESSOR: 1,
});

/** A machine on which only the named packages exist; a value that is an Error is thrown on load. */
function machine(nodeMajor: number, packages: Record<string, unknown>): Machine {
  return {
    nodeMajor,
    platform: 'linux',
    arch: 'x64',
    modules: '115',
    require: (specifier) => {
      const found = packages[specifier];
      if (found instanceof Error) throw found;
      if (found !== undefined) return found;
      throw Object.assign(new Error(`Cannot find module '${specifier}'\nRequire stack:\n- here`), {
        code: 'MODULE_NOT_FOUND',
      });
    },
  };
}

const node20 = 'uws-node20/binaries/uws_linux_x64_115.node';
const glibc = new Error(
  "This version supports only ...\n\nError: version `GLIBC_2.38' not found (required by uws.node)",
);

function refusal(on: Machine): SallyportError {
  try {
    pickBuild(on);
  } catch (error) {
    assert.ok(error instanceof SallyportError);
    assert.equal(error.code, 'SP_PLATFORM');
    return error;
  }
  return assert.fail('nothing was refused');
}

describe('which build of uWebSockets.js', () => {
  const cases: [string, number, Record<string, unknown>, BuildName][] = [
    ['the authors’ own where installed', 24, { 'uWebSockets.js': whole(), 'uws-node22': whole() }, 'uWebSockets.js'],
    ['the newer package on Node 24', 24, { [node20]: whole(), 'uws-node22': whole() }, 'uws-node22'],
    ['the newer package on Node 22', 22, { [node20]: whole(), 'uws-node22': whole() }, 'uws-node22'],
    ['the older package on Node 20', 20, { [node20]: whole(), 'uws-node22': whole() }, 'uws-node20'],
    ['the newer package on Node 20 where the older has no binary', 20, { 'uws-node22': whole() }, 'uws-node22'],
  ];
  for (const [what, nodeMajor, packages, expected] of cases) {
    it(`is ${what}`, () => assert.equal(pickBuild(machine(nodeMajor, packages)).buildName, expected));
  }

  it('is never the JavaScript imitation, which has no SSLApp', () => {
    const { SSLApp: _, ...imitation } = whole();
    const error = refusal(machine(20, { [node20]: imitation, 'uws-node20': whole() }));
    assert.match(error.message, /uws-node20\/binaries\/uws_linux_x64_115\.node: loaded, but has no SSLApp/);
  });

  it('is refused with the reason and a remedy when none loads', () => {
    assert.match(refusal(machine(24, { 'uws-node22': glibc })).message, /GLIBC_2\.38.*need glibc >= 2\.38: Debian 13/);
    assert.match(refusal(machine(24, {})).message, /Cannot find module 'uws-node22'.*--include=optional/);
    assert.match(refusal(machine(18, {})).message, /Use Node 20, 22 or 24/);
  });

  it('does not go behind the back of an operator whose own build is broken', () => {
    const error = refusal(machine(24, { 'uWebSockets.js': glibc, 'uws-node22': whole() }));
    assert.match(error.message, /Tried uWebSockets\.js: .*Remove that package/);
  });
});

describe('the build that loads here', () => {
  it('is native, whole, and sends no uWebSockets field', async () => {
    const uws = loadUws();
    assert.equal(loadUws(), uws);
    assert.match(uws.App.toString(), /native code/);
    const app = uws.App().any('/*', (response) => response.end('ok'));
    let port = 0;
    app.listen('127.0.0.1', 0, 0, (socket) => {
      assert.ok(socket);
      port = uws.us_socket_local_port(socket);
    });
    const headers = await new Promise<http.IncomingHttpHeaders>((resolve, reject) => {
      http
        .get({ host: '127.0.0.1', port, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.headers);
        })
        .on('error', reject);
    });
    app.close();
    assert.equal(headers['content-length'], '2');
    assert.equal(headers.uwebsockets, undefined);
    assert.equal(headers.server, undefined);
  });

  it('refuses a head limit that comes too late', () => {
    loadUws();
    assert.throws(() => setHeadBytesMax(16_384), { code: 'SP_PLATFORM' });
  });

  it('keeps to the head limit that it tells, set on the main thread and held in a worker', async () => {
    // A process of its own: in this one the library is loaded already.
    const file = fileURLToPath(new URL('../support/head-limit.js', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [file, '8192']);
    const said = JSON.parse(stdout) as {
      buildName: BuildName;
      late: string;
      max: number;
      below: string;
      above: string;
    };
    assert.equal(said.late, 'SP_PLATFORM');
    assert.equal(said.max, said.buildName === 'uws-node20' ? 4_096 : 8_192);
    assert.match(said.below, /^HTTP\/1\.1 200 OK/);
    assert.match(said.above, said.buildName === 'uws-node20' ? /^$/ : /^HTTP\/1\.1 431 /);
  });
});

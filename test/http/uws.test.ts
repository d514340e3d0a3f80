import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
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
    assert.equal(headers['uwebsockets'], undefined);
    assert.equal(headers['server'], undefined);
  });

  it('refuses a head limit that comes too late', () => {
    loadUws();
    assert.throws(() => setHeadBytesMax(16_384), { code: 'SP_PLATFORM' });
  });

  it('takes a head limit on the main thread first, and tells a worker what will hold there', async () => {
    const door = new URL('../../src/http/uws.js', import.meta.url).href;
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       import(${JSON.stringify(door)}).then((uws) => {
         let late = '';
         try { uws.setHeadBytesMax(1024); } catch (error) { late = error.code; }
         const { buildName, splitHeadBytesMax } = uws.loadUws();
         parentPort.postMessage({ late, buildName, splitHeadBytesMax });
       });`,
      { eval: true, env: { ...process.env, UWS_HTTP_MAX_HEADERS_SIZE: '16384' } },
    );
    const said = await new Promise<{ late: string; buildName: BuildName; splitHeadBytesMax: number }>(
      (resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
      },
    );
    await worker.terminate();
    assert.equal(said.late, 'SP_PLATFORM');
    assert.equal(said.splitHeadBytesMax, said.buildName === 'uws-node20' ? 4_096 : 16_384);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { download } from '../../../src/cli/install-crs/download.ts';
import { proxyFor } from '../../../src/cli/install-crs/proxy.ts';
import { CRS_ARCHIVE_BYTES_MAX } from '../../../src/limits.ts';
import { TestAuthority } from '../../support/certificates.ts';

const authority = new TestAuthority();
const { certificatePem: cert, keyPem: key } = authority.issue({ names: ['localhost', 'IP:127.0.0.1'] });
const ca = authority.root.certificatePem;
const BODY = Buffer.alloc(300_000, 'rules; ');

let plain: HttpServer;
const served: string[] = [];
const answers: Readonly<Record<string, RequestListener>> = {
  '/whole': (_, response) => response.end(BODY),
  '/moved': (_, response) => response.writeHead(302, { location: '/whole' }).end(),
  '/plain': (_, response) => response.writeHead(302, { location: `http://127.0.0.1:${portOf(plain)}/whole` }).end(),
  '/odd': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/nowhere': (_, response) => response.writeHead(302).end(),
  '/loop': (_, response) => response.writeHead(301, { location: '/loop' }).end(),
  '/missing': (_, response) => response.writeHead(404).end('no'),
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': BODY.length });
    response.write(BODY.subarray(0, 1_000), () => response.socket?.destroy());
  },
  '/ended': (_, response) => {
    response.writeHead(200, { 'content-length': BODY.length });
    response.write(BODY.subarray(0, 1_000), () => response.socket?.end());
  },
  '/silent': () => {},
  '/stalled': (_, response) => {
    response.writeHead(200, { 'content-length': BODY.length });
    response.write(BODY.subarray(0, 1_000));
  },
  '/endless': (_, response) => {
    const piece = Buffer.alloc(1_048_576);
    const more = (): void => {
      if (!response.destroyed) response.write(piece, more);
    };
    more();
  },
};
const server = createServer({ cert, key }, (request, response) => {
  served.push(request.url ?? '');
  answers[request.url ?? '']?.(request, response);
});

before(async () => {
  plain = createHttpServer((_, response) => {
    served.push('plain');
    response.end(BODY);
  });
  for (const one of [server, plain]) {
    one.listen(0, '127.0.0.1');
    await once(one, 'listening');
  }
});
after(() => {
  authority.remove();
  for (const one of [server, plain]) {
    one.closeAllConnections();
    one.close();
  }
});

const portOf = (one: { address(): unknown }): number => (one.address() as AddressInfo).port;
const at = (path: string): string => `https://127.0.0.1:${portOf(server)}${path}`;
const fetched = (path: string, more: object = {}) => download(at(path), { env: {}, ca, ...more });
const refused = (words: RegExp) => ({ code: 'SP_RULE_SET_INSTALL', message: words });

describe('a download', { timeout: 60_000 }, () => {
  test('whole, and over redirects', async () => {
    assert.ok((await fetched('/whole')).equals(BODY));
    assert.ok((await fetched('/moved')).equals(BODY));
  });

  test('over HTTPS alone, from the first step to the last', async () => {
    served.length = 0;
    const url = `http://anna:secret@127.0.0.1:${portOf(plain)}/whole`;
    await assert.rejects(
      download(url, { env: {}, ca }),
      refused(/^"http:\/\/127\.0\.0\.1:\d+\/whole" is not an https/),
    );
    await assert.rejects(fetched('/plain'), refused(/\/plain redirects to what is not https/));
    await assert.rejects(fetched('/odd'), refused(/redirects to what is not https/));
    await assert.rejects(download('rules', { env: {}, ca }), refused(/not an https/));
    assert.deepEqual(served, ['/plain', '/odd']);
  });

  test('from whom the certificate names, alone', async () => {
    const cause = (code: string) => (error: Error) => (error.cause as NodeJS.ErrnoException).code === code;
    await assert.rejects(download(at('/whole'), { env: {} }), cause('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
    const other = at('/whole').replace('127.0.0.1', '127.0.0.2');
    await assert.rejects(download(other, { env: {}, ca }), refused(/cannot be fetched/));
  });

  test('other answers, and redirects without end', async () => {
    await assert.rejects(fetched('/missing'), refused(/\/missing answers 404; correct --version or --from/));
    await assert.rejects(fetched('/nowhere'), refused(/answers 302/));
    served.length = 0;
    await assert.rejects(fetched('/loop'), refused(/more than 5 redirects/));
    assert.equal(served.length, 6);
  });

  test('cut, silent or stalled', async () => {
    await assert.rejects(fetched('/cut'), refused(/\/cut cannot be fetched; nothing was installed/));
    await assert.rejects(fetched('/ended'), refused(/cannot be fetched/));
    await assert.rejects(fetched('/silent', { idleMs: 200 }), refused(/cannot be fetched/));
    await assert.rejects(fetched('/stalled', { idleMs: 200 }), refused(/cannot be fetched/));
    const gone = `https://127.0.0.1:1/`;
    await assert.rejects(download(gone, { env: {}, ca }), refused(/https:\/\/127\.0\.0\.1:1\/ cannot be fetched/));
  });

  test('without an end it has a bound', async () => {
    await assert.rejects(fetched('/endless'), refused(new RegExp(`more than ${CRS_ARCHIVE_BYTES_MAX} bytes`)));
  });
});

describe('through a proxy', { timeout: 60_000 }, () => {
  const asked: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const proxy = createHttpServer();
  proxy.on('connect', (request, socket: Socket) => {
    asked.push(request.url, request.headers['proxy-authorization']);
    sockets.add(socket);
    if (request.headers['proxy-authorization'] === undefined) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const way = connect(portOf(server), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      way.pipe(socket).pipe(way);
    });
    sockets.add(way);
    way.on('error', () => socket.destroy());
    socket.on('error', () => way.destroy());
  });
  before(async () => {
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });

  test('a tunnel, and TLS in it with the host that was asked for', async () => {
    const env = { https_proxy: `http://anna:se%20cret@127.0.0.1:${portOf(proxy)}` };
    assert.ok((await fetched('/moved', { env })).equals(BODY));
    const secret = `Basic ${Buffer.from('anna:se cret').toString('base64')}`;
    const authorityAsked = `127.0.0.1:${portOf(server)}`;
    assert.deepEqual(asked, [authorityAsked, secret, authorityAsked, secret]);
    const named = `https://localhost:${portOf(server)}/whole`;
    assert.ok((await download(named, { env, ca })).equals(BODY));
    const wrong = `https://elsewhere.test:${portOf(server)}/whole`;
    await assert.rejects(download(wrong, { env, ca }), (error: Error) => {
      return (error.cause as NodeJS.ErrnoException).code === 'ERR_TLS_CERT_ALTNAME_INVALID';
    });
  });

  test('one that refuses', async () => {
    const env = { HTTPS_PROXY: `127.0.0.1:${portOf(proxy)}` };
    await assert.rejects(fetched('/whole', { env }), refused(/the proxy 127\.0\.0\.1:\d+ answers 407/));
  });

  test('which one, and for whom none', () => {
    const url = new URL('https://rules.example.com/x');
    const env = { https_proxy: 'proxy.test:3128', HTTPS_PROXY: 'http://other.test' };
    const exempt = (no_proxy: string, one = url): boolean => proxyFor(one, { ...env, no_proxy }) === null;
    assert.equal(proxyFor(url, env)?.href, 'http://proxy.test:3128/');
    assert.equal(proxyFor(url, { HTTPS_PROXY: 'http://other.test' })?.href, 'http://other.test/');
    assert.equal(proxyFor(url, {}), null);
    for (const list of [
      '*',
      'example.com',
      '.example.com',
      '*.example.com',
      'a, rules.example.com',
      'example.com:443',
    ]) {
      assert.ok(exempt(list), list);
    }
    for (const list of ['', 'ample.com', 'example.com:80', 'example.org', 'rules.example.com.evil']) {
      assert.ok(!exempt(list), list);
    }
    assert.ok(exempt('127.0.0.1', new URL('https://127.0.0.1/')));
    assert.ok(!exempt('0.0.1', new URL('https://127.0.0.1/')));
    assert.ok(exempt('[::1]:8443', new URL('https://[::1]:8443/')));
    const over = { https_proxy: 'socks5://anna:secret@proxy.test' };
    assert.throws(() => proxyFor(url, over), refused(/https_proxy is "socks5:\/\/proxy\.test": name an http:\/\//));
  });
});

// A server of the front module, in a process of its own: node front-server.js uws|node. Sends its port when it listens.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ANSWER } from '../bench/requests.ts';
import { loadUws } from '../src/http/uws.ts';

const start = process.argv[2] === 'uws' ? startUws : startNode;
process.on('disconnect', () => process.exit(0));
start((port) => process.send?.(port));

function startUws(ready: (port: number) => void): void {
  const { App, us_socket_local_port: portOf } = loadUws();
  const body = Buffer.from(ANSWER);
  App({})
    .any('/*', (res, req) => {
      let bytes = req.getUrl().length + (req.getQuery() ?? '').length;
      req.forEach((name, value) => {
        bytes += name.length + value.length;
      });
      if (bytes === 0) throw new Error('a request without a head');
      res.end(body);
    })
    .listen('127.0.0.1', 0, (socket) => {
      if (socket === false) throw new Error('uWebSockets.js cannot listen');
      ready(portOf(socket));
    });
}

function startNode(ready: (port: number) => void): void {
  const server = createServer((request, response) => {
    let bytes = (request.url ?? '').length;
    for (const text of request.rawHeaders) bytes += text.length;
    if (bytes === 0) throw new Error('a request without a head');
    response.end(ANSWER);
  });
  server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port));
}

// Upstream for uploads, and for everything where nginx is not installed. Argument: the loopback port to listen on.
import { createServer } from 'node:http';
import { ANSWER, DOWNLOAD_PATH, TRANSFER_BYTES } from './requests.ts';
import { COUNTS_PATH, type Counts } from './upstream.ts';

const download = Buffer.alloc(TRANSFER_BYTES, 'x');
const counts = { requests: 0, bodyBytes: 0 };

const server = createServer({ keepAliveTimeout: 3_600_000, requestTimeout: 0 }, (request, response) => {
  counts.requests += 1;
  request.on('data', (piece: Buffer) => {
    counts.bodyBytes += piece.length;
  });
  request.once('end', () => {
    const path = request.url?.split('?', 1)[0];
    const body =
      path === DOWNLOAD_PATH ? download : path === COUNTS_PATH ? JSON.stringify(counts satisfies Counts) : ANSWER;
    response.setHeader('content-type', 'application/json');
    response.setHeader('content-length', Buffer.byteLength(body));
    response.end(body);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');

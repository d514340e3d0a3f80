// Upstream for uploads, and for everything where nginx is not installed. Argument: the loopback port to listen on.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { ANSWER, DOWNLOAD_PATH, LONG_DOWNLOAD_PATH, LONG_TRANSFER_BYTES, TRANSFER_BYTES } from './requests.ts';
import { COUNTS_PATH, type Counts, FIELDS_PATH } from './upstream.ts';

const download = Buffer.alloc(TRANSFER_BYTES, 'x');
let longDownload: Buffer | null = null;
const counts = { requests: 0, bodyBytes: 0 };

const server = createServer({ keepAliveTimeout: 3_600_000, requestTimeout: 0 }, (request, response) => {
  counts.requests += 1;
  request.on('data', (piece: Buffer) => {
    counts.bodyBytes += piece.length;
  });
  request.once('end', () => {
    const body = answerOf(request.url?.split('?', 1)[0], request.headers);
    response.setHeader('content-type', 'application/json');
    response.setHeader('content-length', Buffer.byteLength(body));
    response.end(body);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');

function answerOf(path: string | undefined, fields: IncomingHttpHeaders): string | Buffer {
  switch (path) {
    case DOWNLOAD_PATH:
      return download;
    case LONG_DOWNLOAD_PATH:
      longDownload ??= Buffer.alloc(LONG_TRANSFER_BYTES, 'x');
      return longDownload;
    case COUNTS_PATH:
      return JSON.stringify(counts satisfies Counts);
    case FIELDS_PATH:
      return [fields['x-request-id'], fields['x-forwarded-for'], fields['x-forwarded-proto']].join(' ');
    default:
      return ANSWER;
  }
}

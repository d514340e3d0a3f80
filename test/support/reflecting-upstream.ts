import { createServer, validateHeaderName, validateHeaderValue } from 'node:http';
import type { AddressInfo } from 'node:net';
import { reflectionOf } from './reflection.ts';

export interface ReflectingUpstream {
  readonly port: number;
  close(): Promise<void>;
}

/** An upstream on a loopback port that answers as requests ask it to: see reflectionOf. */
export async function startReflectingUpstream(): Promise<ReflectingUpstream> {
  // The most forgiving reading: what a proxy lets through is not judged again.
  const server = createServer({ insecureHTTPParser: true, keepAliveTimeout: 60_000 }, (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { status, fields, body } = reflectionOf(request.method ?? '', request.url ?? '', Buffer.concat(pieces));
      response.statusCode = status;
      for (const [name, value] of fields) if (isField(name, value)) response.appendHeader(name, value);
      response.setHeader('Content-Length', body.length);
      response.end(body);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Fields that HTTP cannot carry are dropped. */
function isField(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    // The length is ours.
    return name.toLowerCase() !== 'content-length';
  } catch {
    return false;
  }
}

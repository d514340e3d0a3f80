import { request as askHttp, type IncomingMessage } from 'node:http';
import { request as askHttps } from 'node:https';
import type { LoadRequest } from './requests.ts';

const ANSWER_MS = 10_000;

/** One request on a connection of its own to a loopback port. @returns  Status and body of the answer. */
export function ask(port: number, tls: boolean, { method, path, headers, body }: Omit<LoadRequest, 'isAttack'>) {
  return new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const common = { host: '127.0.0.1', port, method, path, headers, agent: false, timeout: ANSWER_MS };
    const read = (response: IncomingMessage) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString('latin1') }),
      );
      response.once('error', reject);
    };
    // The certificate is one that nobody knows.
    const request = tls ? askHttps({ ...common, rejectUnauthorized: false }, read) : askHttp(common, read);
    request.once('timeout', () => request.destroy(new Error(`port ${port} did not answer`)));
    request.once('error', reject);
    request.end(body);
  });
}

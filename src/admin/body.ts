import type { IncomingMessage, ServerResponse } from 'node:http';
import { problem, type Reply } from './reply.ts';

/** Operators' orders are short. */
export const BODY_BYTES_MAX = 16_384;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What a body said, or the answer to one that says nothing. */
export type Body = { readonly value: unknown } | { readonly reply: Reply };

/**
 * Reads a JSON body within bounds. Nothing of it is kept past them, and the connection is closed behind a refusal.
 *
 * @param response  Is told to go on where the client waits for that (RFC 9110 10.1.1).
 */
export async function readJson(request: IncomingMessage, response: ServerResponse): Promise<Body> {
  const refused = (status: number, detail: string): Body => ({ reply: problem(status, detail, { close: true }) });
  if (!/^application\/json(?: *; *charset="?utf-8"?)?$/i.test(request.headers['content-type'] ?? '')) {
    return refused(415, 'Send the body as application/json.');
  }
  const tooLarge = refused(413, `A body here has at most ${BODY_BYTES_MAX} bytes.`);
  if (Number(request.headers['content-length'] ?? '0') > BODY_BYTES_MAX) return tooLarge;
  if (request.headers.expect !== undefined) response.writeContinue();
  const bytes = await readBytes(request);
  if (bytes === 'too large') return tooLarge;
  if (bytes === 'cut') return refused(400, 'The body ended too soon.');
  try {
    return { value: JSON.parse(utf8.decode(bytes)) };
  } catch {
    // Either says the same to whoever sent it.
    return refused(400, 'The body is no JSON in UTF-8.');
  }
}

function readBytes(request: IncomingMessage): Promise<Buffer | 'too large' | 'cut'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= BODY_BYTES_MAX) {
        chunks.push(chunk);
        return;
      }
      request.removeAllListeners('data');
      // What is still on its way is read and dropped until the connection closes behind the answer.
      request.resume();
      resolve('too large');
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => resolve('cut'));
    request.on('close', () => resolve('cut'));
  });
}

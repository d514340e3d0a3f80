import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { type Answer, AnswerParser } from './answer-parser.ts';

export interface ExchangeOptions {
  readonly port: number;
  /** Source address, for instance 127.0.1.7: any of 127/8 is ours on Linux, and tells connections apart upstream. */
  readonly localAddress?: string;
  /** TLS without verification: the tests' certificates are their own. */
  readonly tls?: boolean;
  /** Written in this order, `pauseMs` apart. */
  readonly segments: readonly Uint8Array[];
  /** Wait between segments so that each arrives in a read of its own; 0 waits one turn of the event loop. */
  readonly pauseMs?: number;
  /** Methods of the requests in order, for the answers' framing. */
  readonly methods?: readonly string[];
  /** Done when so many answers are in; then `lingerMs` watches for surplus. */
  readonly answersMax?: number;
  readonly lingerMs?: number;
  /** Longest wait for answers or the end. */
  readonly timeoutMs?: number;
}

export interface Exchange {
  readonly answers: readonly Answer[];
  /** How it ended: enough answers, closed by the other side (FIN or RST), or neither in time. */
  readonly end: 'answered' | 'closed' | 'reset' | 'timeout' | 'refused';
  /** True when the other side closed at any time, lingering included. */
  readonly closed: boolean;
  /** What a strict parser says of the bytes received, or null. */
  readonly error: string | null;
  readonly bytes: Buffer;
  readonly ms: number;
}

/**
 * One connection: writes the segments, reads strictly, and tells what came.
 *
 * @returns How it went; a broken connection is a value.
 * @throws  Never.
 */
export async function exchange(options: ExchangeOptions): Promise<Exchange> {
  const startedAt = performance.now();
  const parser = new AnswerParser(options.methods);
  const received: Buffer[] = [];
  const answersMax = options.answersMax ?? 1;
  let closed = false;
  let failure: NodeJS.ErrnoException | null = null;
  let wake = () => {};
  const socket = open(options);
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk);
    parser.push(chunk);
    wake();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = error;
    wake();
  });
  const gone = () => {
    if (!closed && failure === null) parser.end();
    closed = true;
    wake();
  };
  socket.on('end', gone);
  socket.on('close', gone);

  const over = () => closed || failure !== null || parser.error !== null || parser.answers.length >= answersMax;
  const wait = async (ms: number, until: () => boolean) => {
    const deadline = performance.now() + ms;
    while (!until()) {
      const left = deadline - performance.now();
      if (left <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };

  for (const [index, segment] of options.segments.entries()) {
    if (closed || failure !== null) break;
    if (index > 0) await (options.pauseMs ? delay(options.pauseMs) : new Promise((resolve) => setImmediate(resolve)));
    socket.write(segment);
  }
  await wait(options.timeoutMs ?? 16_000, over);
  const errno = (failure as NodeJS.ErrnoException | null)?.code;
  const end: Exchange['end'] =
    parser.answers.length >= answersMax
      ? 'answered'
      : errno === 'ECONNREFUSED'
        ? 'refused'
        : errno !== undefined
          ? 'reset'
          : closed
            ? 'closed'
            : 'timeout';
  if (end === 'answered') await wait(options.lingerMs ?? 0, () => closed || failure !== null);
  const result: Exchange = {
    answers: parser.answers,
    end,
    closed: closed || failure !== null,
    error: parser.error,
    bytes: Buffer.concat(received),
    ms: performance.now() - startedAt,
  };
  socket.destroy();
  return result;
}

/** A client socket to the gateway, TLS when asked; writes before the connection stands are queued by node. */
export function open(options: Pick<ExchangeOptions, 'port' | 'localAddress' | 'tls'>): Socket {
  const address = {
    port: options.port,
    host: '127.0.0.1',
    ...(options.localAddress ? { localAddress: options.localAddress } : {}),
  };
  return options.tls
    ? connectTls({ ...address, servername: 'localhost', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    : connect(address);
}

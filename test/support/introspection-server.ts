import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { IssuedCertificate } from './certificates.ts';

export interface Question {
  readonly token: string;
  readonly form: URLSearchParams;
  readonly authorization: string;
}

/** An introspection endpoint on loopback whose answers are the test's. It ends with the test. */
export class IntrospectionServer {
  readonly questions: Question[] = [];
  /** Most at once. */
  peak = 0;
  /** What is known of a token; null leaves the question without an answer. */
  answer: (
    question: Question,
  ) => Readonly<Record<string, unknown>> | null | Promise<Readonly<Record<string, unknown>>> = () => ({
    active: false,
  });
  /** Connections that are open. */
  readonly sockets = new Set<Socket>();
  readonly #isTls: boolean;
  #underWay = 0;
  #port = 0;

  private constructor(isTls: boolean) {
    this.#isTls = isTls;
  }

  static async start(t: TestContext, tls: IssuedCertificate | null = null): Promise<IntrospectionServer> {
    const self = new IntrospectionServer(tls !== null);
    const listener: RequestListener = (request, response) => self.#take(request, response);
    const server =
      tls === null ? createServer(listener) : createTlsServer({ cert: tls.certificatePem, key: tls.keyPem }, listener);
    server.on('connection', (socket: Socket) => {
      self.sockets.add(socket);
      socket.once('close', () => self.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    self.#port = (server.address() as AddressInfo).port;
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return self;
  }

  get url(): string {
    return `${this.#isTls ? 'https' : 'http'}://127.0.0.1:${this.#port}/introspect`;
  }

  asked(token: string): number {
    return this.questions.filter((question) => question.token === token).length;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(pieces).toString());
      const authorization = request.headers.authorization ?? '';
      void this.#respond({ token: form.get('token') ?? '', form, authorization }, response);
    });
  }

  async #respond(question: Question, response: ServerResponse): Promise<void> {
    this.questions.push(question);
    this.#underWay += 1;
    this.peak = Math.max(this.peak, this.#underWay);
    response.once('close', () => {
      this.#underWay -= 1;
    });
    const said = await this.answer(question);
    if (said === null) return;
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(said));
  }
}

import { setMaxListeners } from 'node:events';
import type { Agent } from 'node:http';
import { type ExchangeFailed, exchangeJson, type JsonAnswer, keepConnection } from '../base/http-exchange.ts';
import { INTROSPECTION_ANSWER_BYTES_MAX, INTROSPECTION_QUEUE_MAX } from '../limits.ts';
import type { IntrospectionSettings } from './introspection-settings.ts';

/** A question was given up before it was asked. */
export interface NotAsked {
  readonly kind: 'not-asked';
}

export type Introspected = JsonAnswer | ExchangeFailed | NotAsked;

interface Question {
  readonly token: string;
  readonly askedAt: number;
  readonly done: (answer: Introspected) => void;
  readonly timer: NodeJS.Timeout;
}

/** An idle connection is closed after so long. */
const IDLE_MS = 30_000;

const NOT_ASKED: NotAsked = Object.freeze({ kind: 'not-asked' });

/**
 * Asks one introspection endpoint (RFC 7662 2.1) over kept connections: at most `connectionsMax` questions at once, a
 * bounded queue behind them. A question waits there for at most half of `timeoutMs`, so that the server always has the
 * other half: one that is merely busy is not taken for dead.
 *
 * Threads: one instance each.
 */
export class IntrospectionClient {
  readonly #settings: IntrospectionSettings;
  readonly #authorities: readonly string[];
  readonly #url: URL;
  /** Connections that no question is on; the one used last goes first. */
  readonly #idle: Agent[] = [];
  readonly #fields: Readonly<Record<string, string>>;
  readonly #bodyEnd: string;
  readonly #end = new AbortController();
  readonly #queue = new Set<Question>();
  #underWay = 0;
  #isRetired = false;

  /** @param authorities  PEM certificates; none for the system's. */
  constructor(settings: IntrospectionSettings, authorities: readonly string[]) {
    this.#settings = settings;
    this.#authorities = authorities;
    this.#url = new URL(settings.url);
    const { clientId, clientSecret, method } = settings;
    const isBasic = method === 'client_secret_basic';
    this.#fields = {
      Accept: 'application/json',
      'Content-Type': 'application/x-www-form-urlencoded',
      ...(isBasic ? { Authorization: basic(clientId, clientSecret) } : {}),
    };
    this.#bodyEnd = `&token_type_hint=access_token${
      isBasic ? '' : `&client_id=${formEncoded(clientId)}&client_secret=${formEncoded(clientSecret)}`
    }`;
    setMaxListeners(0, this.#end.signal);
  }

  /** Questions sent, or waiting for a connection. */
  get underWay(): number {
    return this.#underWay + this.#queue.size;
  }

  /**
   * @param done  Called once, later and never at once.
   * @returns     False when there is no room, or after `close`: `done` is not called.
   */
  ask(token: string, done: (answer: Introspected) => void): boolean {
    if (this.#end.signal.aborted) return false;
    const askedAt = performance.now();
    if (this.#underWay < this.#settings.connectionsMax) {
      this.#send(token, askedAt, done);
      return true;
    }
    if (this.#queue.size >= INTROSPECTION_QUEUE_MAX) return false;
    const timer = setTimeout(() => {
      this.#queue.delete(question);
      done(NOT_ASKED);
    }, this.#settings.timeoutMs / 2);
    const question: Question = { token, askedAt, done, timer };
    this.#queue.add(question);
    return true;
  }

  /** Gives up what waits for a connection. */
  dropQueue(): void {
    const dropped = [...this.#queue];
    this.#queue.clear();
    for (const { timer, done } of dropped) {
      clearTimeout(timer);
      done(NOT_ASKED);
    }
  }

  /** Keeps no connection longer than it is used: the configuration names this server no more. */
  retire(): void {
    this.#isRetired = true;
    this.#rest();
  }

  /** Ends everything. */
  close(): void {
    this.#end.abort();
    this.dropQueue();
    this.#closeIdle();
  }

  #send(token: string, askedAt: number, done: (answer: Introspected) => void): void {
    this.#underWay += 1;
    const connection = this.#idle.pop() ?? keepConnection(this.#url.protocol, IDLE_MS);
    void exchangeJson(this.#url, {
      method: 'POST',
      fields: this.#fields,
      body: `token=${formEncoded(token)}${this.#bodyEnd}`,
      agent: connection,
      authorities: this.#authorities,
      bytesMax: INTROSPECTION_ANSWER_BYTES_MAX,
      timeoutMs: Math.max(1, this.#settings.timeoutMs - (performance.now() - askedAt)),
      signal: this.#end.signal,
    }).then((answer) => {
      this.#underWay -= 1;
      this.#idle.push(connection);
      done(answer);
      this.#next();
      this.#rest();
    });
  }

  #next(): void {
    for (const question of this.#queue) {
      if (this.#underWay >= this.#settings.connectionsMax) return;
      this.#queue.delete(question);
      clearTimeout(question.timer);
      this.#send(question.token, question.askedAt, question.done);
    }
  }

  #rest(): void {
    if (this.#isRetired || this.#end.signal.aborted) this.#closeIdle();
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}

/** Both are form-encoded first (RFC 6749 2.3.1), so that a colon in them is none between them. */
function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`;
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

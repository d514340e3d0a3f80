// hot path: synchronous, never throws
import {
  type Identity,
  type IntrospectionResult,
  type Judged,
  type NotLetIn,
  refusal,
  type Waiting,
} from '../identity.ts';
import { INTROSPECTED_BYTES_MAX, INTROSPECTED_TOKEN_CHARACTERS_MAX, INTROSPECTION_WAITERS_MAX } from '../limits.ts';
import { type AnswerRules, answerRules, readAnswer } from './introspection-answer.ts';
import type { Introspected } from './introspection-client.ts';
import type { IntrospectionSettings } from './introspection-settings.ts';
import { ProviderRest } from './provider-rest.ts';
import { type RememberedAnswer, RememberedAnswers } from './remembered-answers.ts';

/** What a judge of opaque tokens uses. */
export interface IntrospectionParts {
  /** See `IntrospectionClient`. */
  readonly client: {
    ask(token: string, done: (answer: Introspected) => void): boolean;
    dropQueue(): void;
  };
  /** Was it taken back? Asked at every request. Synchronous, never throws. */
  readonly revoked: (identity: Identity, nowMs: number) => boolean;
  /** Where the log says that something is wrong with the server, and that it is well again. */
  readonly warn: (context: Readonly<Record<string, unknown>>, message: string) => void;
  /** Counts a question. */
  readonly count: (result: IntrospectionResult) => void;
  /** Wall clock, milliseconds, for when an answer comes. */
  readonly nowMs: () => number;
}

interface Flight {
  readonly token: string;
  readonly isProbe: boolean;
  readonly waiting: Waiting;
  readonly waiters: (() => void)[];
  /** Set while those who waited ask again, however short it is remembered. */
  judged: Judged | null;
}

/** How long a token is not asked about again after no usable answer. */
const FAILED_MS = 1_000;
/** Shortest time between two lines of the log about answers that are of no use. */
const WARN_MS = 10_000;
const ENTRY_BYTES = 512;
/** Objects of an answer take three to four times the bytes of their JSON. */
const BYTES_PER_CHARACTER = 4;

/** RFC 6750 2.1: b64token. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Judges opaque tokens by asking the server that made them (RFC 7662). An answer is remembered, active ones apart from
 * the rest, so that made-up tokens push out no honest one; a token is asked about once, however many requests bring it.
 *
 * Threads: one instance each.
 */
export class Introspection {
  readonly active: RememberedAnswers;
  readonly others: RememberedAnswers;
  readonly #settings: IntrospectionSettings;
  readonly #parts: IntrospectionParts;
  readonly #rules: AnswerRules;
  readonly #flights = new Map<string, Flight>();
  readonly #rest = new ProviderRest();
  #waiters = 0;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(settings: IntrospectionSettings, parts: IntrospectionParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#rules = answerRules(settings);
    this.active = new RememberedAnswers(settings.cacheMax, INTROSPECTED_BYTES_MAX);
    this.others = new RememberedAnswers(settings.cacheMax, INTROSPECTED_BYTES_MAX);
  }

  /**
   * @param token  As the client sent it, without the scheme. Any text.
   * @param nowMs  Milliseconds since the epoch.
   */
  judge(token: string, nowMs: number): Judged {
    if (token.length > INTROSPECTED_TOKEN_CHARACTERS_MAX) return TOO_LARGE;
    const known = this.active.find(token, nowMs) ?? this.others.find(token, nowMs);
    if (known !== null) return this.#unlessRevoked(known.judged, nowMs);
    const flight = this.#flights.get(token);
    if (flight !== undefined) {
      if (flight.judged !== null) return this.#unlessRevoked(flight.judged, nowMs);
      return this.#waiters >= INTROSPECTION_WAITERS_MAX ? BUSY : flight.waiting;
    }
    return TOKEN.test(token) ? this.#ask(token, nowMs) : MALFORMED;
  }

  #unlessRevoked(judged: Judged, nowMs: number): Judged {
    return judged.kind === 'known' && this.#parts.revoked(judged.identity, nowMs) ? REVOKED : judged;
  }

  #ask(piece: string, nowMs: number): Judged {
    if (!this.#rest.allows(nowMs)) return RESTING;
    if (this.#waiters >= INTROSPECTION_WAITERS_MAX) return BUSY;
    // The text at hand may be a piece of a larger one.
    const token = Buffer.from(piece, 'latin1').toString('latin1');
    const waiters: (() => void)[] = [];
    const flight: Flight = {
      token,
      isProbe: this.#rest.isResting,
      waiters,
      judged: null,
      waiting: {
        kind: 'wait',
        wait: (again) => {
          if (this.#flights.get(token) !== flight || flight.judged !== null) {
            setImmediate(again);
            return;
          }
          waiters.push(again);
          this.#waiters += 1;
        },
      },
    };
    if (!this.#parts.client.ask(token, (answer) => this.#answered(flight, answer))) {
      this.#parts.count('full');
      return BUSY;
    }
    this.#rest.began();
    this.#flights.set(token, flight);
    return flight.waiting;
  }

  #answered(flight: Flight, answer: Introspected): void {
    const nowMs = this.#parts.nowMs();
    const judged = this.#read(answer, nowMs);
    this.#parts.count(resultOf(answer, judged));
    this.#note(flight, answer, nowMs);
    this.#remember(flight.token, judged, answer, nowMs);
    flight.judged = judged;
    this.#waiters -= flight.waiters.length;
    for (const again of flight.waiters) again();
    this.#flights.delete(flight.token);
  }

  #read(answer: Introspected, nowMs: number): Judged {
    if (answer.kind === 'not-asked') return BUSY;
    // RFC 6749 5.2 in the place of an answer: the server takes no such token, a JWT say.
    if (answer.kind === 'failed') return answer.status === 400 ? NOT_TAKEN : FAILED[answer.reason];
    const read = readAnswer(answer.bytes, this.#rules, nowMs);
    if (read.kind !== 'unusable') return read;
    this.#warn(read.detail, nowMs);
    return UNUSABLE;
  }

  #note(flight: Flight, answer: Introspected, nowMs: number): void {
    if (answer.kind === 'failed') this.#warn(answer.detail, nowMs);
    const outcome = answer.kind === 'not-asked' ? 'unknown' : isDown(answer) ? 'down' : 'alive';
    if (!this.#rest.ended(flight.isProbe, outcome, nowMs)) return;
    const { name } = this.#settings;
    if (this.#rest.isResting) {
      this.#parts.warn({ introspection: name }, 'introspection server does not answer: it is left alone for a while');
      this.#parts.client.dropQueue();
    } else {
      this.#parts.warn({ introspection: name }, 'introspection server answers again');
    }
  }

  #warn(reason: string, nowMs: number): void {
    if (Math.abs(nowMs - this.#warnedAtMs) < WARN_MS) return;
    this.#warnedAtMs = nowMs;
    this.#parts.warn({ introspection: this.#settings.name, reason }, 'introspection brought no usable answer');
  }

  #remember(token: string, judged: Judged, answer: Introspected, nowMs: number): void {
    if (judged === BUSY) return;
    const { cacheMs, negativeCacheMs } = this.#settings;
    const isActive = judged.kind === 'known';
    const isUnavailable = judged.kind === 'refused' && judged.reason === 'introspection-unavailable';
    const untilMs = isActive
      ? Math.min(nowMs + cacheMs, judged.identity.expiresAtMs)
      : nowMs + (isUnavailable ? FAILED_MS : negativeCacheMs);
    if (untilMs <= nowMs) return;
    const answered = isActive && answer.kind === 'answer' ? answer.bytes.length : 0;
    const bytes = ENTRY_BYTES + (token.length + answered) * BYTES_PER_CHARACTER;
    const entry: RememberedAnswer = { token, judged, fromMs: nowMs, untilMs, bytes, isUsed: false };
    (isActive ? this.active : this.others).add(entry);
  }
}

function resultOf(answer: Introspected, judged: Judged): IntrospectionResult {
  if (answer.kind === 'not-asked') return 'late';
  if (answer.kind === 'failed') return answer.reason;
  if (judged === UNUSABLE) return 'content';
  return judged.kind === 'known' ? 'active' : 'refused';
}

/**
 * Is it the server that is out of order? A client can provoke other failures with a token of its choice, and must not
 * bring down the rest with it: 403 is what a firewall before the server says to a token like a path.
 */
function isDown(answer: Introspected): boolean {
  if (answer.kind !== 'failed') return false;
  const { reason, status } = answer;
  if (reason === 'connection' || reason === 'timeout' || reason === 'redirect') return true;
  return reason === 'status' && (status >= 500 || status === 401 || status === 429);
}

const unavailable = (detail: string): NotLetIn => refusal('introspection-unavailable', detail);

const TOO_LARGE = refusal('too-large', 'the token is longer than servers are asked about');
const MALFORMED = refusal('malformed', 'the token has characters that no token has');
const REVOKED = refusal('revoked', 'the token was taken back');
const NOT_TAKEN = refusal('inactive', 'the server takes no such token: status 400');
const BUSY = refusal('busy', 'too many tokens are asked about');
const RESTING = unavailable('the server does not answer and is left alone for a while');
const UNUSABLE = unavailable('the answer says nothing about the token');
const FAILED = Object.freeze({
  connection: unavailable('the connection to the server failed'),
  timeout: unavailable('the server did not answer in time'),
  status: unavailable('the server answered with another status than 200'),
  redirect: unavailable('the server sends us elsewhere'),
  type: unavailable('the server did not answer with JSON'),
  size: unavailable('the answer is too long'),
});

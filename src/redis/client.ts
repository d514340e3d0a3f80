import { createHash } from 'node:crypto';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/schema.ts';
import { surviveOddReplies } from './odd-replies.ts';

/** A Lua script, known to Redis by its SHA-1. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function script(text: string): Script {
  return Object.freeze({ text, sha: createHash('sha1').update(text).digest('hex') });
}

/** One run of a script. In a cluster all keys of a call have one hash tag. */
export interface Call {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** What Redis answered to a call: a value or an error. */
export type Reply = { readonly value: unknown } | { readonly error: Error };

/** Wait between attempts to connect: from, to, milliseconds. */
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 250;
/** How often a cluster is asked which master has what. */
const SLOTS_REFRESH_MS = 1_000;
/** Scripts given as text that are remembered: those of this program are a handful. */
const SCRIPTS_MAX = 64;
/** Bytes that a server may send between two good answers; a large one here has some 500,000. */
const UNANSWERED_BYTES_MAX = 16 * 1_048_576;
/** Characters of an error's words that go on: a server may echo what it was sent. */
const ERROR_LENGTH_MAX = 400;
const SECRET_SHOWN = '[secret]';

surviveOddReplies();

/**
 * The one door to ioredis: scripts on a single Redis, on the master that sentinels name, or on a cluster.
 *
 * Connects by `connect`, and again by itself for ever. Nothing waits for a connection: without one a call fails at
 * once. A call that failed may have been carried out all the same, also later, but never twice.
 *
 * Threads: one instance each.
 */
export class RedisClient {
  /** Redis Cluster: what lies on different masters needs different hash tags, and one call has one tag. */
  readonly isCluster: boolean;
  readonly #redis: Redis | Cluster;
  readonly #timeoutMs: number;
  readonly #connectMs: number;
  readonly #scripts = new Map<string, Script>();
  /** Passwords: no error's words may tell them. */
  readonly #secrets: readonly string[];
  #unansweredBytes = 0;
  #lastError: Error | null = null;
  #slots: NodeJS.Timeout | null = null;
  #isStopped = false;

  /** @param authorities  PEM certificates trusted; empty for the system's. */
  constructor(config: RedisConfig, authorities: readonly string[]) {
    this.isCluster = config.mode === 'cluster';
    this.#timeoutMs = config.timeoutMs;
    this.#connectMs = config.connectMs;
    this.#secrets = [config.password, config.sentinelPassword].filter((secret) => secret !== '');
    this.#redis = open(config, authorities);
    const redis = this.#redis;
    if (redis instanceof Cluster) {
      // Not by `slotsRefreshInterval`: ioredis 6.0 sets that timer again when a refresh ends behind `disconnect`.
      this.#slots = setInterval(() => {
        if (redis.status === 'ready') redis.refreshSlotsCache();
      }, SLOTS_REFRESH_MS).unref();
    }
    for (const event of ['error', 'node error']) {
      this.#redis.on(event, (error: Error) => {
        this.#lastError = this.#bare(error);
      });
    }
    if (this.#redis instanceof Redis) this.#guard(this.#redis);
    else this.#redis.on('+node', (node: Redis) => this.#guard(node));
    this.#redis.on('ready', () => {
      this.#lastError = null;
      if (this.#redis instanceof Cluster) for (const node of this.#redis.nodes('master')) this.#openNode(node);
    });
    this.#redis.on('+node', (node: Redis) => {
      // Before it is ready a cluster asks any of them how it is, and takes one that is just connecting for gone.
      if (this.#redis.status === 'ready') this.#openNode(node);
    });
  }

  /** A connection that has been greeted stands. */
  get isConnected(): boolean {
    return this.#redis.status === 'ready' && !this.#isStopped;
  }

  /**
   * Begins to connect, once.
   *
   * @returns  When there is a connection, or the first try has failed, or `connectMs` have passed; never rejects.
   */
  async connect(): Promise<void> {
    if (this.#redis.status !== 'wait' || this.#isStopped) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#connectMs);
    });
    await Promise.race([this.#openAll(), patience]);
    clearTimeout(timer);
  }

  /**
   * Runs scripts, all in one go.
   *
   * @returns  A reply per call, in order.
   * @throws   Error when there is no connection, or not all have been answered in `timeoutMs`.
   */
  async run(calls: readonly Call[]): Promise<readonly Reply[]> {
    if (!this.isConnected) throw new Error('not connected to Redis', { cause: this.#lastError });
    return withDeadline(this.#runAll(calls), this.#timeoutMs);
  }

  /**
   * Runs one script.
   *
   * @param text  Lua; the same few texts over and over: each is kept.
   * @returns  Its value: text, whole number, null, or a list of such.
   * @throws   As `run`, or with the error that Redis answered.
   */
  async runScript(text: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    let known = this.#scripts.get(text);
    if (known === undefined) {
      known = script(text);
      if (this.#scripts.size < SCRIPTS_MAX) this.#scripts.set(text, known);
    }
    const [reply] = await this.run([{ script: known, keys, args }]);
    if (reply === undefined) throw new Error('Redis gave no answer');
    if ('error' in reply) throw reply.error;
    return reply.value;
  }

  /** Ends the connection and all that waits on it. */
  stop(): void {
    this.#isStopped = true;
    if (this.#slots !== null) clearInterval(this.#slots);
    this.#redis.disconnect();
  }

  async #openAll(): Promise<void> {
    await this.#open(this.#redis);
    if (this.#redis instanceof Cluster) await Promise.all(this.#redis.nodes('master').map(untilReady));
  }

  /** By itself a cluster's connection to a master waits for its first call, and refuses the others meanwhile. */
  #openNode(node: Redis): void {
    if (node.status === 'wait') void this.#open(node);
  }

  async #open(connection: Redis | Cluster): Promise<void> {
    try {
      await connection.connect();
    } catch (error) {
      // Says that there is no connection; why not has been said by then.
      this.#lastError ??= this.#bare(error as Error);
    }
  }

  /** Never rejects. */
  async #runAll(calls: readonly Call[]): Promise<readonly Reply[]> {
    const replies = await this.#send(calls, false);
    if (replies.some((reply) => 'value' in reply)) this.#unansweredBytes = 0;
    const unknown = calls.filter((_call, index) => isNoScript(replies[index]));
    if (unknown.length === 0) return replies;
    const again = (await this.#send(unknown, true)).values();
    return replies.map((reply) => (isNoScript(reply) ? (again.next().value ?? reply) : reply));
  }

  #guard(connection: Redis): void {
    // The library would go on in database 0, which may be somebody else's.
    connection.on('error', (error: Error & { command?: { name?: string } }) => {
      if (error.command?.name === 'select') connection.stream.destroy(error);
    });
    // A server that sends without end fills the memory; one that is only late is connected to anew at worst.
    connection.on('connect', () => {
      const { stream } = connection;
      stream.on('data', (bytes: Buffer) => {
        this.#unansweredBytes += bytes.length;
        if (this.#unansweredBytes <= UNANSWERED_BYTES_MAX) return;
        this.#unansweredBytes = 0;
        stream.destroy(new Error('Redis sends more than was asked for'));
      });
    });
  }

  /** The library's errors carry the command that failed, and with it passwords: words alone go on, without them. */
  #bare(error: Error): Error {
    const { lastNodeError } = error as { lastNodeError?: Error };
    const words = lastNodeError === undefined ? error.message : `${error.message} (${lastNodeError.message})`;
    const safe = this.#secrets.reduce((text, secret) => text.replaceAll(secret, SECRET_SHOWN), words);
    return new Error(safe.slice(0, ERROR_LENGTH_MAX));
  }

  /** Commands written in one turn leave in one piece; each of a cluster goes to the master of its keys. */
  #send(calls: readonly Call[], isWhole: boolean): Promise<readonly Reply[]> {
    const name = isWhole ? 'eval' : 'evalsha';
    return Promise.all(
      calls.map(({ script: { text, sha }, keys, args }) =>
        this.#redis.call(name, [isWhole ? text : sha, keys.length, ...keys, ...args]).then(
          (value): Reply => ({ value }),
          (error: Error): Reply => ({ error: this.#bare(error) }),
        ),
      ),
    );
  }
}

/** An answer that has arrived counts, though a busy thread comes to it late: it is looked for before time is up. */
function withDeadline<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      setImmediate(() => reject(new Error(`no answer from Redis in ${timeoutMs} ms`)));
    }, timeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function untilReady(node: Redis): Promise<void> {
  if (node.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => {
    node.once('ready', () => resolve());
  });
}

function isNoScript(reply: Reply | undefined): boolean {
  return reply !== undefined && 'error' in reply && reply.error.message.startsWith('NOSCRIPT');
}

function open(config: RedisConfig, authorities: readonly string[]): Redis | Cluster {
  const { mode, tls } = config;
  const nodes = config.nodes.map(hostAndPort);
  const encryption = tls.enabled
    ? {
        rejectUnauthorized: tls.verify,
        ...(tls.serverName === '' ? {} : { servername: tls.serverName }),
        ...(authorities.length === 0 ? {} : { ca: [...authorities] }),
      }
    : undefined;
  const common = {
    protocol: 2 as const,
    lazyConnect: true,
    enableOfflineQueue: false,
    // What was under way when a connection ended fails then, and is never sent a second time.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: config.connectMs,
    // A server that hangs takes greetings and commands, and never answers.
    socketTimeout: config.connectMs,
    retryStrategy: backOff,
    // A master that became a replica: its name leads elsewhere by now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...(config.username === '' ? {} : { username: config.username }),
    ...(config.password === '' ? {} : { password: config.password }),
    ...(encryption === undefined ? {} : { tls: encryption }),
  } satisfies RedisOptions;
  if (mode === 'cluster') {
    const { lazyConnect, enableOfflineQueue, retryStrategy, ...perNode } = common;
    return new Cluster(nodes, {
      lazyConnect,
      enableOfflineQueue,
      clusterRetryStrategy: retryStrategy,
      maxRedirections: 3,
      // What may have been carried out is not sent again; where the masters are is asked often instead.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: RETRY_MS_MIN,
      slotsRefreshTimeout: config.connectMs,
      redisOptions: perNode,
    });
  }
  if (mode === 'sentinel') {
    return new Redis({
      ...common,
      db: config.database,
      sentinels: nodes,
      name: config.sentinelName,
      sentinelRetryStrategy: backOff,
      ...(config.sentinelPassword === '' ? {} : { sentinelPassword: config.sentinelPassword }),
      ...(encryption === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: encryption }),
    });
  }
  return new Redis({ ...common, ...nodes[0], db: config.database });
}

function backOff(times: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(times - 1, 10));
}

function hostAndPort(node: string): { host: string; port: number } {
  const colon = node.lastIndexOf(':');
  return { host: node.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(node.slice(colon + 1)) };
}

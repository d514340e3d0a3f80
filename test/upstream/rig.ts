import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { MessageChannel, Worker } from 'node:worker_threads';
import { type TimerNode, TimerWheel } from '../../src/base/timer-wheel.ts';
import type { Config, RouteConfig, UpstreamConfig } from '../../src/config/schema.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { readAuthorities } from '../../src/tls/authorities.ts';
import { type Downstream, type Route, type Source, Transaction, type TransactionOwner } from '../../src/transaction.ts';
import { UpstreamCall } from '../../src/upstream/call.ts';
import type { UpstreamEvents, UpstreamGroup } from '../../src/upstream/group.ts';
import { TargetHealth } from '../../src/upstream/health.ts';
import { createTargetTable, MAIN_THREAD } from '../../src/upstream/layout.ts';
import { SlotRegistry } from '../../src/upstream/targets.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import type { Refusal } from '../../src/verdict.ts';
import { type RecordingUpstream, startRecordingUpstream, type UpstreamOptions } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';
import { upstreamOf } from './support.ts';

const TICK_MS = 5;

type Overrides = { [K in keyof UpstreamConfig]?: Partial<UpstreamConfig[K]> | UpstreamConfig[K] };

/** A wheel that knows what is armed. */
class CountedWheel extends TimerWheel {
  readonly #nodes = new Set<TimerNode>();

  override schedule(node: TimerNode, delayMs: number): void {
    super.schedule(node, delayMs);
    this.#nodes.add(node);
  }

  get armed(): number {
    return [...this.#nodes].filter(({ tick }) => tick !== -1).length;
  }
}

/** The client's side and the pipeline of one request: both write down what they are told. */
export class Client implements Downstream, TransactionOwner {
  readonly tx: Transaction;
  gone = false;
  begun = false;
  blocked = false;
  bodyComplete: boolean;
  /** `whole`, `empty`, `streamed` and complete, or `cut`. */
  how: '' | 'whole' | 'empty' | 'streamed' | 'cut' | 'refused' = '';
  head = '';
  status = 0;
  /** Of an empty or streamed answer, as announced. */
  length = 0;
  readonly pieces: Buffer[] = [];
  refusal: Refusal | null = null;
  readonly bugs: unknown[] = [];
  finishes = 0;
  bodyPaused = false;
  pauses = 0;
  source: Source | null = null;
  /** Pieces taken before the client is slow; it then stays so until `drain`. */
  takes = Number.POSITIVE_INFINITY;
  /** What a phase behind the upstream says. */
  laterPhase: 'pass' | 'refuse' | 'throw' = 'pass';

  constructor(fields: Partial<Transaction>, bodyComplete: boolean) {
    this.bodyComplete = bodyComplete;
    this.tx = new Transaction(this, this, Date.now(), performance.now());
    Object.assign(this.tx, { method: 'GET', isAscii: true }, fields);
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get code(): ErrorCode | null {
    return this.refusal?.code ?? null;
  }

  get over(): boolean {
    return this.tx.finished;
  }

  /** A piece of the request body, as the front gives it: its memory is taken back at once. */
  send(text: string | Uint8Array, isLast = false): void {
    if (isLast) this.bodyComplete = true;
    const lent = Uint8Array.from(typeof text === 'string' ? Buffer.from(text) : text);
    this.source?.onBody(lent, isLast);
    lent.fill(0xee);
  }

  leave(): void {
    this.gone = true;
    this.source?.onAbort();
    this.finish(this.tx);
  }

  drain(): void {
    this.blocked = false;
    this.takes = Number.POSITIVE_INFINITY;
    this.source?.onDrain();
  }

  respond(status: number, head: Uint8Array, body: Uint8Array | null): void {
    this.#answered('whole', status, head);
    if (body !== null) this.pieces.push(Buffer.from(body));
    this.finish(this.tx);
  }

  respondEmpty(status: number, head: Uint8Array, contentLength: number): void {
    this.#answered('empty', status, head);
    this.length = contentLength;
    this.finish(this.tx);
  }

  begin(status: number, head: Uint8Array, contentLength: number): void {
    this.#answered('', status, head);
    this.length = contentLength;
  }

  #answered(how: Client['how'], status: number, head: Uint8Array): void {
    assert.equal(this.begun, false, 'answered twice');
    assert.equal(this.gone, false, 'answered although the client is gone');
    this.begun = true;
    this.how = how;
    this.status = status;
    this.head = Buffer.from(head).toString('latin1');
  }

  write(chunk: Uint8Array): boolean {
    assert.ok(this.begun && !this.tx.finished && !this.gone, 'a piece outside of an answer');
    this.pieces.push(Buffer.from(chunk));
    this.takes -= 1;
    if (this.takes <= 0) this.blocked = true;
    return !this.blocked;
  }

  end(): void {
    this.how = 'streamed';
    this.finish(this.tx);
  }

  cut(): void {
    this.how = 'cut';
    this.gone = true;
  }

  attach(source: Source): void {
    this.source = source;
  }

  detach(): void {
    this.source = null;
    if (this.bodyPaused) this.resumeBody();
  }

  replay(pieces: readonly Uint8Array[], isWhole: boolean): void {
    for (const [index, piece] of pieces.entries()) this.source?.onBody(piece, isWhole && index === pieces.length - 1);
  }

  abandon(): void {
    this.source?.onAbort();
  }

  pauseBody(): void {
    assert.equal(this.bodyPaused, false, 'paused twice');
    this.bodyPaused = true;
    this.pauses += 1;
  }

  resumeBody(): void {
    assert.equal(this.bodyPaused, true, 'resumed twice');
    this.bodyPaused = false;
  }

  resume(tx: Transaction, _nowMs: number): boolean {
    if (this.laterPhase === 'pass') return true;
    if (this.laterPhase === 'throw') throw new Error('planted');
    this.refuse(tx, { kind: 'refuse', code: 'SP_INTERNAL', detail: undefined, fields: undefined });
    return false;
  }

  refuse(tx: Transaction, refusal: Refusal): void {
    if (tx.finished) return;
    this.refusal = refusal;
    if (this.begun || this.gone) this.cut();
    else this.how = 'refused';
    this.finish(tx);
  }

  failed(tx: Transaction, error: unknown): void {
    this.bugs.push(error);
    this.abandon();
    this.refuse(tx, { kind: 'refuse', code: 'SP_INTERNAL', detail: undefined, fields: undefined });
  }

  finish(tx: Transaction): void {
    if (tx.finished) return;
    tx.finished = true;
    this.finishes += 1;
  }
}

export interface Request {
  readonly method?: string;
  readonly path?: string;
  /** Declared length, -1 for chunked; 0 for none. */
  readonly contentLength?: number;
  readonly totalMs?: number;
  readonly fields?: Partial<Transaction>;
}

/**
 * One thread's upstream side, whole: groups, pools and health from a configuration, a wheel that ticks, and a clock
 * that can be moved. `end` holds it to having given everything back.
 */
export class Rig {
  readonly wheel: CountedWheel;
  readonly health: TargetHealth;
  readonly upstreams: Upstreams;
  readonly clients: Client[] = [];
  readonly events = { opened: 0, reused: 0, connectFailed: 0, retried: 0, ejected: 0, statuses: [] as number[] };
  readonly #registry: SlotRegistry;
  readonly #now = performance.now.bind(performance);
  readonly #ticking: NodeJS.Timeout;
  #skippedMs = 0;
  #groups: readonly UpstreamGroup[] = [];

  constructor(urls: readonly string[], overrides: Overrides = {}) {
    performance.now = () => this.#now() + this.#skippedMs;
    const table = createTargetTable();
    this.health = new TargetHealth(table, 0);
    this.#registry = new SlotRegistry(new TargetHealth(table, MAIN_THREAD));
    this.wheel = new CountedWheel(performance.now(), TICK_MS, 256);
    const { events } = this;
    const counted: UpstreamEvents = {
      connectionOpened: () => {
        events.opened += 1;
      },
      connectionReused: () => {
        events.reused += 1;
      },
      connectFailed: () => {
        events.connectFailed += 1;
      },
      retried: () => {
        events.retried += 1;
      },
      ejected: () => {
        events.ejected += 1;
      },
      upstreamRequest: (_slot, status) => void events.statuses.push(status),
    };
    this.upstreams = new Upstreams({ wheel: this.wheel, health: this.health, events: counted, threads: 1 });
    this.configure({ main: mainOf(urls, overrides) });
    this.#ticking = setInterval(() => this.wheel.advance(performance.now()), TICK_MS);
  }

  /** As a reload does. */
  configure(upstreams: Config['upstreams'], authorities = readAuthorities({ upstreams })): void {
    const plan = { ...this.#registry.assign({ upstreams }, performance.now()), authorities };
    this.#groups = this.upstreams.compile({ upstreams } as Config, plan, () => () => '');
  }

  get group(): UpstreamGroup {
    return this.#groups[0] as UpstreamGroup;
  }

  /** Sends a request. Those with a body go on by `Client.send`. */
  call({ method = 'GET', path = '/', contentLength = 0, totalMs = 0, fields = {} }: Request = {}): Client {
    const client = new Client({ method, contentLength, ...fields }, contentLength === 0);
    client.tx.route = { config: { policies: { totalMs } } as unknown as RouteConfig } as Route;
    const length = contentLength > 0 ? `content-length: ${contentLength}\r\n` : '';
    const framing = contentLength === -1 ? 'transfer-encoding: chunked\r\n' : length;
    this.clients.push(client);
    new UpstreamCall(client.tx, this.group, `${method} ${path} HTTP/1.1\r\nhost: t\r\n${framing}\r\n`).start(
      Date.now(),
    );
    return client;
  }

  /** Sends one and waits for its end. */
  async ask(request: Request = {}): Promise<Client> {
    const client = this.call(request);
    await this.done(client);
    return client;
  }

  async done(client: Client): Promise<void> {
    await until(`the end of ${client.tx.method}`, () => client.over, 5_000, 1);
  }

  /** Moves the clock of this thread. */
  pass(ms: number): void {
    this.#skippedMs += ms;
    this.wheel.advance(performance.now());
  }

  /** The clock moves while the loop, and with it the wheel, stands still. */
  stall(ms: number): void {
    this.#skippedMs += ms;
  }

  requests(slot = 0): number {
    return this.health.requests(slot);
  }

  connections(slot = 0): number {
    return this.health.connections(slot);
  }

  /** Every request is over, exactly once and without a bug, and nothing is counted or armed any more. */
  async settled(): Promise<void> {
    for (const client of this.clients) {
      await this.done(client);
      assert.equal(client.finishes, 1);
      assert.equal(client.source, null, 'still attached');
      assert.equal(client.bodyPaused, false, 'a client was left paused');
      if (client.laterPhase !== 'throw') assert.deepEqual(client.bugs, []);
    }
    const slots = this.group.targets.map(({ slot }) => slot);
    for (const slot of slots) assert.equal(this.requests(slot), 0, `requests of slot ${slot}`);
    this.upstreams.close();
    for (const slot of slots) assert.equal(this.connections(slot), 0, `connections of slot ${slot}`);
    assert.equal(this.wheel.armed, 0, 'timers left');
  }

  dispose(): void {
    this.upstreams.close();
    clearInterval(this.#ticking);
    performance.now = this.#now;
  }
}

/** Runs a test over a rig, and holds it to having given everything back. */
export async function withRig(
  urls: readonly string[],
  overrides: Overrides,
  run: (rig: Rig) => Promise<void>,
): Promise<void> {
  const rig = new Rig(urls, overrides);
  try {
    await run(rig);
    await rig.settled();
  } finally {
    rig.dispose();
  }
}

/** The same over one recording upstream. */
export async function withTarget(
  options: UpstreamOptions,
  overrides: Overrides,
  run: (rig: Rig, target: RecordingUpstream) => Promise<void>,
): Promise<void> {
  const target = await startRecordingUpstream(options);
  try {
    await withRig([urlOf(target.port)], overrides, (rig) => run(rig, target));
  } finally {
    await target.close();
  }
}

/** The schema's defaults, with whole sections overridden key by key. */
export function mainOf(urls: readonly string[], overrides: Overrides = {}): UpstreamConfig {
  const defaults = upstreamOf(urls);
  const merged = Object.entries(overrides).map(([key, value]) => {
    const before = defaults[key as keyof UpstreamConfig];
    return [key, typeof value === 'object' ? { ...(before as object), ...value } : value];
  });
  return { ...defaults, ...(Object.fromEntries(merged) as Partial<UpstreamConfig>) };
}

export function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

export interface DeafServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A port where connections are neither accepted nor refused: its queue is full, the kernel drops what comes. */
export async function startDeafServer(): Promise<DeafServer> {
  const released = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const workerData = { port: port2, released };
  const worker = new Worker(new URL('./deaf-server.js', import.meta.url), { workerData, transferList: [port2] });
  const ended = once(worker, 'exit');
  const [{ port }] = (await once(port1, 'message')) as [AddressInfo];
  const fillers: Socket[] = [];
  for (let waiting = 0; waiting < 2; ) {
    const filler = connect(port, '127.0.0.1');
    filler.on('error', () => filler.destroy());
    fillers.push(filler);
    const stands = await Promise.race([
      once(filler, 'connect').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 100)),
    ]);
    if (!stands) waiting += 1;
  }
  return {
    port,
    async close() {
      for (const filler of fillers) filler.destroy();
      Atomics.store(released, 0, 1);
      Atomics.notify(released, 0);
      port1.close();
      await ended;
    },
  };
}

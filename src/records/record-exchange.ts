import type { RecordChannel } from './record-channel.ts';
import type { RecordLog } from './record-log.ts';

export interface RecordExchangeOptions {
  readonly channel: RecordChannel;
  /** What the records are, in the plural. */
  readonly things: string;
  readonly log: () => RecordLog;
  /** The record of an id as text, null when it is no more. */
  readonly textOf: (id: string) => string | null;
  readonly ids: () => readonly string[];
  /** @returns  False for a text that is no record. */
  readonly apply: (text: string) => boolean;
  /** Time between rounds, milliseconds. */
  readonly everyMs?: number;
}

/** A change reaches other machines after two rounds at most, and some milliseconds. */
const ROUND_MS = 500;
/** Asked for everything so often: a Redis that took over from one that died may have lost what was told. */
const WHOLE_MS = 600_000;
/** Records told at once: some 100 KB. */
const BATCH = 256;
/** Told within one round; the next one goes on, so that hearing is never far behind telling. */
const BATCHES_MAX = 16;

/**
 * Tells other machines of records and hears of theirs, in rounds. What could not be told stays to be told; what was
 * told while this machine was away is there when it comes back.
 *
 * Threads: main.
 */
export class RecordExchange {
  readonly #o: RecordExchangeOptions;
  readonly #everyMs: number;
  readonly #changed = new Set<string>();
  readonly #forgotten = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> = Promise.resolve();
  #cursor: string | null = null;
  /** While everything is asked for: all texts heard, to find what is known here alone. */
  #heard: Set<string> | null = null;
  #wholeAtMs = 0;
  #isFailing = false;
  #strange = 0;
  #stopped = false;

  constructor(options: RecordExchangeOptions) {
    this.#o = options;
    this.#everyMs = options.everyMs ?? ROUND_MS;
  }

  start(): void {
    this.#schedule(0);
  }

  changed(id: string): void {
    this.#forgotten.delete(id);
    this.#changed.add(id);
  }

  forgotten(id: string): void {
    this.#changed.delete(id);
    this.#forgotten.add(id);
  }

  /** Tries once more to tell what is left. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#round;
    if (!this.#isFailing) await this.#try(() => this.#tell());
  }

  #schedule(waitMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#try(() => this.#exchange()).then(() => this.#schedule(this.#everyMs));
    }, waitMs);
  }

  /** Never rejects: what failed is tried again in the next round. */
  async #try(step: () => Promise<void>): Promise<void> {
    try {
      await step();
      if (this.#isFailing) this.#o.log().info({}, `${this.#o.things} are shared with other machines again`);
      this.#isFailing = false;
    } catch (error) {
      // Once, not with every round.
      const words = `${this.#o.things} cannot be shared with other machines; trying again`;
      if (!this.#isFailing) this.#o.log().warn({ err: error }, words);
      this.#isFailing = true;
    }
  }

  async #exchange(): Promise<void> {
    await this.#tell();
    if (performance.now() >= this.#wholeAtMs) this.#askForAll();
    for (;;) {
      const news = await this.#o.channel.ask(this.#cursor);
      if (news.isLost && this.#cursor !== null) {
        this.#askForAll();
        continue;
      }
      this.#cursor = news.cursor;
      for (const text of news.texts) this.#hear(text);
      // An answer that always has more must not keep this process from ending.
      if (!news.isMore || this.#stopped) break;
    }
    this.#tellTheRest();
  }

  #askForAll(): void {
    this.#cursor = null;
    this.#heard = new Set();
    this.#wholeAtMs = performance.now() + WHOLE_MS;
  }

  /** After everything was heard: what is known here and not there, or there in another way. */
  #tellTheRest(): void {
    const heard = this.#heard;
    if (heard === null) return;
    this.#heard = null;
    for (const id of this.#o.ids()) {
      const text = this.#o.textOf(id);
      if (text !== null && !heard.has(text)) this.changed(id);
    }
  }

  async #tell(): Promise<void> {
    for (let batch = 0; batch < BATCHES_MAX && this.#changed.size + this.#forgotten.size > 0; batch += 1) {
      const ids = take(this.#changed);
      const forget = take(this.#forgotten);
      const set = ids.flatMap((id) => {
        const text = this.#o.textOf(id);
        return text === null ? [] : [[id, text] as const];
      });
      try {
        await this.#o.channel.tell({ set, forget });
      } catch (error) {
        // What became of an id meanwhile is younger.
        for (const id of ids) if (!this.#forgotten.has(id)) this.#changed.add(id);
        for (const id of forget) if (!this.#changed.has(id)) this.#forgotten.add(id);
        throw error;
      }
    }
  }

  #hear(text: string): void {
    this.#heard?.add(text);
    if (this.#o.apply(text)) return;
    this.#strange += 1;
    // Told once: whoever can write there can write often.
    if (this.#strange > 1) return;
    this.#o.log().warn({ text: text.slice(0, 200) }, `Redis holds a record that is none of ${this.#o.things}`);
  }
}

function take(ids: Set<string>): string[] {
  const taken: string[] = [];
  for (const id of ids) {
    if (taken.length === BATCH) break;
    taken.push(id);
  }
  for (const id of taken) ids.delete(id);
  return taken;
}

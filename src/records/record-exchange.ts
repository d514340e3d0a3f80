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
/** Longest that a start waits for what others know: a full table is heard in half of it. */
const FIRST_MS = 5_000;
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
  /** Id -> the text that is over. */
  readonly #forgotten = new Map<string, string>();
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

  /**
   * Begins, and waits for the first round: what others know must hold before the first request. Where they cannot be
   * asked, that is told, and nobody waits.
   */
  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FIRST_MS);
    });
    this.#begin();
    await Promise.race([this.#round, patience]);
    clearTimeout(timer);
  }

  changed(id: string): void {
    this.#forgotten.delete(id);
    this.#changed.add(id);
  }

  /** @param text  The record that is over. */
  forgotten(id: string, text: string): void {
    this.#changed.delete(id);
    this.#forgotten.set(id, text);
  }

  /** Tries once more to tell what is left. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#round;
    if (!this.#isFailing) await this.#try(() => this.#tell());
  }

  #begin(): void {
    this.#round = this.#try(() => this.#exchange()).then(() => this.#schedule());
  }

  #schedule(): void {
    if (!this.#stopped) this.#timer = setTimeout(() => this.#begin(), this.#everyMs);
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
      const ids = take(this.#changed.values());
      for (const id of ids) this.#changed.delete(id);
      const forget = take(this.#forgotten.entries());
      for (const [id] of forget) this.#forgotten.delete(id);
      const set = ids.flatMap((id) => {
        const text = this.#o.textOf(id);
        return text === null ? [] : [[id, text] as const];
      });
      try {
        await this.#o.channel.tell({ set, forget });
      } catch (error) {
        // What became of an id meanwhile is younger.
        for (const id of ids) if (!this.#forgotten.has(id)) this.#changed.add(id);
        for (const [id, text] of forget) {
          if (!this.#changed.has(id) && !this.#forgotten.has(id)) this.#forgotten.set(id, text);
        }
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

function take<T>(things: Iterator<T>): T[] {
  const taken: T[] = [];
  while (taken.length < BATCH) {
    const next = things.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

import type { RunScript } from '../base/run-script.ts';

export interface ReplayLog {
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
}

export interface RedisReplaysOptions {
  readonly run: RunScript;
  /** Begins every key; without braces. */
  readonly prefix: string;
  /** Looked up each time: a reload replaces the log. */
  readonly log: () => ReplayLog;
}

/** KEYS: the name. ARGV: milliseconds to keep it. @returns  1 for the first to come, 0 for all others. */
const CLAIM = `
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 1 end
return 0
`;

/**
 * Claims names against those of other machines. Where Redis does not answer, each machine goes on by itself; that is
 * logged once, until it answers again.
 *
 * Threads: one instance each, over the connection of the thread.
 */
export class RedisReplays {
  readonly #o: RedisReplaysOptions;
  #isAway = false;

  constructor(options: RedisReplaysOptions) {
    this.#o = options;
  }

  /**
   * @param name     Digest of what may come once.
   * @param lastsMs  How long it is remembered.
   * @param done     Called once, later.
   */
  claim(name: string, lastsMs: number, done: (answer: 'new' | 'seen' | 'away') => void): void {
    const { run, prefix } = this.#o;
    void run(CLAIM, [`${prefix}replay:${name}`], [Math.max(1, Math.ceil(lastsMs))]).then(
      (answer) => {
        if (answer !== 0 && answer !== 1) {
          this.#away(new Error('Redis gave another answer about replays than the script does'));
          done('away');
          return;
        }
        if (this.#isAway) this.#o.log().info({}, 'proofs of possession are checked with other machines again');
        this.#isAway = false;
        done(answer === 1 ? 'new' : 'seen');
      },
      (error: unknown) => {
        this.#away(error);
        done('away');
      },
    );
  }

  #away(error: unknown): void {
    if (this.#isAway) return;
    this.#isAway = true;
    const words = 'proofs of possession are checked on this machine alone: Redis does not answer';
    this.#o.log().warn({ err: error }, words);
  }
}

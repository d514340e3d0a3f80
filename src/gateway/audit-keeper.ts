import { closeSync, constants, openSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import type { LineTarget } from '../telemetry/line-channel.ts';
import { LogWriter } from '../telemetry/log-writer.ts';

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
/** Records tell what people sent. */
const MODE = 0o640;

/**
 * The file of the audit log: opened anew by each reload, so that one that was moved away stays as it is.
 *
 * Threads: main only.
 */
export class AuditKeeper implements LineTarget {
  #writer: LogWriter | null = null;
  /** Lines of writers that are closed, or about to be: the count never goes back. */
  #lostBefore = 0;
  #close: () => Promise<void> = async () => {};

  /** Lines that did not get into a file: a full disk, a pipe that nobody reads. */
  get lost(): number {
    return this.#lostBefore + (this.#writer?.lost ?? 0);
  }

  /** @throws  SallyportError SP_CONFIG for a file that cannot be appended to. */
  check(config: Config): void {
    const file = fileOf(config);
    if (file !== '') closeSync(opened(file));
  }

  /** @throws  Likewise; what was open stays so. */
  use(config: Config): void {
    const file = fileOf(config);
    const fd = file === '' ? -1 : opened(file);
    void this.stop();
    if (fd === -1) return;
    const writer = new LogWriter({ fd, format: 'json' });
    this.#writer = writer;
    this.#close = async () => {
      const { lost } = writer;
      this.#lostBefore += lost;
      await writer.close();
      this.#lostBefore += writer.lost - lost;
      closeSync(fd);
    };
  }

  write(lines: string, done: () => void): void {
    if (this.#writer === null) done();
    else this.#writer.write(lines, done);
  }

  /** Writes what is left. */
  async stop(): Promise<void> {
    const close = this.#close;
    this.#writer = null;
    this.#close = async () => {};
    await close();
  }
}

/** '' for none. */
function fileOf({ waf }: Config): string {
  return waf.audit.path === '-' ? '' : waf.audit.path;
}

/** Non-blocking: a pipe that nobody reads would hold the process. */
function opened(file: string): number {
  try {
    return openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, MODE);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const words = `waf.audit.path: ${file} cannot be written to (${code ?? 'unknown error'}); correct the path or its mode`;
    throw new SallyportError('SP_CONFIG', words, {}, { cause: error });
  }
}

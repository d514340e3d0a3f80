import { isDiskFull, type RecordFile } from './record-file.ts';
import type { RecordLog } from './record-log.ts';
import type { RecordSaver } from './record-saver.ts';

export interface RestoreOptions<R> {
  readonly file: RecordFile<R>;
  readonly saver: RecordSaver | null;
  /** What the records are, in the plural. */
  readonly things: string;
  readonly log: () => RecordLog;
  /** Wall clock. */
  readonly nowMs: number;
  /** Takes records over. @throws  Whatever stops the start. */
  readonly learn: (records: readonly R[]) => void;
  /** All that is kept after that, a line each. */
  readonly lines: () => readonly string[];
}

/**
 * Restores what a file kept, and writes it once to know that it can be written.
 *
 * @throws  SP_CONFIG  The file is of something else, or cannot be read or written.
 */
export async function restore<R>({ file, saver, things, log, nowMs, learn, lines }: RestoreOptions<R>): Promise<void> {
  const { records, damage } = await file.load(nowMs);
  learn(records);
  const restored = lines().length;
  if (damage !== null) {
    const facts = { file: file.path, ...damage, restored };
    log().error(facts, `the file of ${things} was damaged: it is kept aside, and what was sound in it is in force`);
  } else if (restored > 0) {
    log().info({ file: file.path, restored }, `${things} restored`);
  }
  try {
    await file.write(lines());
  } catch (error) {
    const words = `cannot be written (${(error as Error).message}): let the gateway write to its folder`;
    if (!isDiskFull(error)) throw file.refused(words, error);
    // No fault of the setting, and no reason to be without a gateway: it is told of, and tried again.
    saver?.changed();
  }
}

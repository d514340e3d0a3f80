import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { constants, type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file beside another that nobody wrote to for so long is left from a process that was killed. */
const LEFTOVER_MS = 60_000;
/** For nobody else to read. */
const FILE_MODE = 0o600;
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_APPEND, O_RDONLY } = constants;

/**
 * Replaces a file as a whole: whatever happens to the process or the machine, one whole file is there, that of before
 * or the new one. It is written beside its place, forced to disk, and moved there.
 *
 * @param write  Writes all of it.
 * @returns  The new file, open for appending; the caller closes it.
 * @throws  The system's error; the file of before stays.
 */
export async function replaceFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<FileHandle> {
  // Not by the process's number: in two containers that is often the same.
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND, FILE_MODE);
  try {
    await write(file);
    await file.sync();
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return file;
  } catch (error) {
    // The first error is the one to tell. A part of a file would keep a full disk full.
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** Else a new name may be lost with the machine, though the file is on disk. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Removes what `replaceFile` left in processes that were killed.
 *
 * @throws  The system's error where the folder cannot be read.
 */
export function removeLeftovers(path: string, nowMs: number): void {
  const folder = dirname(path);
  const start = `${basename(path)}.`;
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(start) || !/^[0-9a-f]{16}\.tmp$/.test(name.slice(start.length))) continue;
    const leftover = join(folder, name);
    try {
      if (nowMs - lstatSync(leftover).mtimeMs > LEFTOVER_MS) rmSync(leftover);
    } catch {
      // Somebody else's, or gone meanwhile: it does no harm where it is.
    }
  }
}

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { TLS_FILE_BYTES_MAX } from '../limits.ts';

/** What is in a file, one byte per character; or why that cannot be told, as the end of a sentence. */
export type FileContent = { readonly text: string } | { readonly problem: string };

/**
 * Reads a file of certificates or of a key whole.
 *
 * Threads: main: synchronously. Never throws, never waits for a writer, never reads more than TLS_FILE_BYTES_MAX.
 */
export function readTlsFile(path: string): FileContent {
  try {
    // Without O_NONBLOCK opening a named pipe would hang the main thread until somebody writes.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) return { problem: 'is not a regular file' };
      if (stat.size > TLS_FILE_BYTES_MAX) return { problem: `is larger than ${TLS_FILE_BYTES_MAX} bytes` };
      return { text: readFileSync(file, 'latin1') };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return {
      problem:
        READ_ERRORS[(error as NodeJS.ErrnoException).code ?? ''] ?? `cannot be read: ${(error as Error).message}`,
    };
  }
}

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory',
};

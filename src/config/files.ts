import { closeSync, openSync, readSync, statSync } from 'node:fs';

export type FileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly found: string; readonly remedy: string };

/**
 * Reads a small text file whole.
 *
 * @param file      Absolute path.
 * @param bytesMax  Longer files are refused, unread.
 * @returns The text without a byte order mark, or what is wrong and what to do about it.
 * @throws  Never.
 */
export function readText(file: string, bytesMax: number): FileText {
  try {
    // Looked at before it is opened: opening a pipe nobody writes to would hang the boot.
    if (!statSync(file).isFile()) return fault('is not a regular file', 'name a file');
    const bytes = readBounded(file, bytesMax);
    if (bytes === undefined) return fault(`is longer than ${bytesMax} bytes`, 'name a smaller file');
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    return explain(error);
  }
}

/** What keeps a file from being read, or undefined when it can be. @throws Never. */
export function whyUnreadable(file: string): { found: string; remedy: string } | undefined {
  try {
    if (!statSync(file).isFile()) return { found: 'is not a regular file', remedy: 'name a file' };
    closeSync(openSync(file, 'r'));
    return undefined;
  } catch (error) {
    const { found, remedy } = explain(error);
    return { found, remedy };
  }
}

function readBounded(file: string, bytesMax: number): Uint8Array | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      const chunk = Buffer.alloc(65_536);
      const count = readSync(descriptor, chunk);
      if (count === 0) return Buffer.concat(chunks);
      total += count;
      if (total > bytesMax) return undefined;
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}

function fault(found: string, remedy: string): FileText & { ok: false } {
  return { ok: false, found, remedy };
}

function explain(error: unknown): FileText & { ok: false } {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return fault('does not exist', 'correct the path or create the file');
    case 'EACCES':
    case 'EPERM':
      return fault('may not be read by this user', 'change its owner or mode');
    case 'ELOOP':
      return fault('is a link in a circle', 'correct the link');
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
      return fault('has a name that no file can have', 'correct the path');
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return fault('is not UTF-8 text', 'save it as UTF-8');
    default:
      return fault(`cannot be read (${code ?? 'unknown error'})`, 'check the path and the disk');
  }
}

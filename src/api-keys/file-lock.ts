import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Two that took over the lock of a dead one at once notice it within so long. */
const SETTLE_MS = 50;
const TRIES = 5;
/** `sun_path` has room for 108 bytes, 104 on some systems, with a NUL. */
const ADDRESS_BYTES_MAX = 100;

/**
 * A lock that holds as long as its process lives: a listening socket with a name in the file system. Whoever can
 * connect knows that the holder lives, in another container too, where process numbers mean something else; the kernel
 * answers for the dead one that nobody listens.
 *
 * Threads: main.
 */
export class FileLock {
  readonly #path: string;
  readonly #server: Server;
  readonly #folder: FileHandle;

  private constructor(path: string, server: Server, folder: FileHandle) {
    this.#path = path;
    this.#server = server;
    this.#folder = folder;
  }

  /**
   * @param path  Name of the socket; nothing else may lie there.
   * @returns  Null when somebody else has it.
   * @throws  The system's error where no socket can be made.
   */
  static async take(path: string): Promise<FileLock | null> {
    const folder = await open(dirname(path), 'r');
    const own = `${path}.${randomBytes(4).toString('hex')}`;
    let server: Server | null = null;
    try {
      server = await listen(addressOf(own, folder));
      const { ino } = await lstat(own);
      const isTaken = await takeName(path, own, ino, folder);
      // A name is enough: the one that lies there from now on.
      await unlink(own);
      if (isTaken) return new FileLock(path, server, folder);
      server.close();
      await folder.close();
      return null;
    } catch (error) {
      server?.close();
      await folder.close();
      throw error;
    }
  }

  /** Lets go of it. */
  async release(): Promise<void> {
    await unlink(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    this.#server.close();
    await this.#folder.close();
  }
}

async function takeName(path: string, own: string, ino: number, folder: FileHandle): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      await link(own, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (await isAnswered(addressOf(path, folder))) return false;
      await unlink(path).catch(() => undefined);
      continue;
    }
    // Another one that found the dead one's lock may have removed this one in its stead.
    await delay(SETTLE_MS);
    const there = await lstat(path).catch(() => null);
    if (there?.ino === ino) return true;
  }
  return false;
}

function listen(address: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once('error', reject);
    server.listen({ path: address }, () => resolve(server));
  });
}

/** In doubt somebody is there. */
function isAnswered(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: address });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

/** A long path goes by its folder, which is open. */
function addressOf(path: string, folder: FileHandle): string {
  if (Buffer.byteLength(path) <= ADDRESS_BYTES_MAX || process.platform !== 'linux') return path;
  return join(`/proc/self/fd/${folder.fd}`, basename(path));
}

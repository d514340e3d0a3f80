// hot path: synchronous, never throws
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { bytesOfBase64Url } from '../base/base64url.ts';

/** Layout of a sealed text: key id (4 bytes), nonce (12), tag (16), ciphertext; base64url. */
const ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = ID_BYTES + NONCE_BYTES + TAG_BYTES;

interface Key {
  readonly id: Buffer;
  readonly key: KeyObject;
}

/**
 * Encrypts texts for cookies, AES-256-GCM with keys by HKDF-SHA-256 from secrets of the configuration, and one use (a
 * login) each. Who has none of the secrets can neither read nor make nor change one.
 *
 * Nonces are random: after 2^32 cookies of one key two might be alike with a chance of 2^-32, some centuries at 100 a
 * second from many machines; rotate keys before.
 *
 * Threads: any; stateless.
 */
export class Sealer {
  readonly #keys: readonly Key[];
  readonly #first: Key;
  readonly #use: string;

  /**
   * @param secrets  At least one; the first encrypts, all decrypt.
   * @param use      What the texts are for: another use cannot read them.
   */
  constructor(secrets: readonly string[], use: string) {
    this.#keys = secrets.map((secret) => {
      const derived = (what: string, bytes: number) =>
        Buffer.from(hkdfSync('sha256', secret, '', `sallyport login ${what} ${use}`, bytes));
      return { id: derived('key id', ID_BYTES), key: createSecretKey(derived('key', 32)) };
    });
    this.#first = this.#keys[0] as Key;
    this.#use = use;
  }

  /** @param place  Name of the cookie: under another one it cannot be read. */
  seal(text: string, place: string): string {
    const { id, key } = this.#first;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(this.#boundTo(place));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([id, nonce, cipher.getAuthTag(), body]).toString('base64url');
  }

  /** @returns  Null for anything that was not sealed with one of the keys, for this use and place. */
  open(sealed: string, place: string): string | null {
    const bytes = bytesOfBase64Url(sealed);
    if (bytes === null || bytes.length < HEAD_BYTES) return null;
    const id = bytes.subarray(0, ID_BYTES);
    for (const known of this.#keys) {
      if (!known.id.equals(id)) continue;
      try {
        const nonce = bytes.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES);
        const decipher = createDecipheriv('aes-256-gcm', known.key, nonce, { authTagLength: TAG_BYTES });
        decipher.setAAD(this.#boundTo(place));
        decipher.setAuthTag(bytes.subarray(ID_BYTES + NONCE_BYTES, HEAD_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final()]).toString('utf8');
      } catch {
        // The tag does not fit: not ours, or changed on the way. Another key may have the same id.
      }
    }
    return null;
  }

  #boundTo(place: string): Buffer {
    return Buffer.from(`${place}\n${this.#use}`, 'utf8');
  }
}

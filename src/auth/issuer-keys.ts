import type { NotLetIn, Waiting } from '../identity.ts';
import type { VerificationKey } from './verification-key.ts';

/**
 * The keys of one issuer as one thread knows them. Whoever keeps them fetches them elsewhere; all of this is
 * synchronous and never throws.
 */
export interface IssuerKeys {
  /**
   * Grows whenever `state` or what `find` answers changes. A key that did not change stays the same object, so that
   * tokens verified with it need not be verified again.
   */
  readonly version: number;
  /** `unavailable`: no keys were ever had, or those had are older than they may be. */
  readonly state: 'ready' | 'unavailable';
  /**
   * @param kid  As the token names it; undefined when it names none, which asks for all keys.
   * @returns    Keys of that name, and those that have none; never mutated. Those that do not fit the token's
   *             algorithm are passed over, and at most `KEYS_TRIED_MAX` of the rest are tried.
   */
  find(kid: string | undefined): readonly VerificationKey[];
  /**
   * Asked when `find` gave no key that fits, when no key that it gave had made the signature (the issuer may have
   * changed a key under its name), and when no keys are there.
   *
   * @returns  How to wait for newer keys, after which the token is judged again; null when there will be none for it
   *           now: they are static, this name was asked for in vain, or there are more unknown names than are looked
   *           into. A refusal where nobody can say yet: there may be a key of this name, and the issuer is not asked
   *           again so soon.
   */
  ask(kid: string | undefined, nowMs: number): Waiting | NotLetIn | null;
}

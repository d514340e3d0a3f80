import type { IssuerKeys } from '../../src/auth/issuer-keys.ts';
import type { VerificationKey } from '../../src/auth/verification-key.ts';
import type { Config } from '../../src/config/schema.ts';
import { type AuthParts, NO_PARTS, ThreadCallers } from '../../src/http/thread-auth.ts';
import type { ThreadAuth } from '../../src/pipeline/context.ts';

/** How a configuration tells callers apart, with `parts` in the place of nothing. */
export function freshAuth(config: Config, parts: Partial<AuthParts> = {}, tokenKey = ''): ThreadAuth {
  return new ThreadCallers({ ...NO_PARTS, ...parts }).compile(config, tokenKey);
}

/** Keys that are there and stay. */
export function staticKeys(keys: readonly VerificationKey[]): IssuerKeys {
  return { version: 1, state: 'ready', find: () => keys, ask: () => null };
}

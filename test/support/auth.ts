import type { IssuerKeys } from '../../src/auth/issuer-keys.ts';
import type { Config } from '../../src/config/schema.ts';
import { type AuthParts, NO_PARTS, ThreadCallers } from '../../src/http/thread-auth.ts';
import type { ThreadAuth } from '../../src/pipeline/context.ts';

/** How a configuration tells callers apart, with `parts` in the place of nothing. */
export function freshAuth(
  config: Config,
  keys: IssuerKeys = NO_KEYS,
  parts: Partial<AuthParts> = {},
  tokenKey = '',
): ThreadAuth {
  return new ThreadCallers({ ...NO_PARTS, ...parts }).compile(config, { of: () => keys }, tokenKey, {});
}

const NO_KEYS: IssuerKeys = { version: 1, state: 'unavailable', find: () => [], ask: () => null };

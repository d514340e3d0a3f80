import type { Config, RouteAuthConfig } from '../config/schema.ts';
import type { AuthReason } from '../identity.ts';
import { type Refusal, refuse } from '../verdict.ts';

/** Answers to requests of one route that do not say well enough who calls. Made once: a flood allocates nothing. */
export interface Challenges {
  /** No credential that the route takes. */
  readonly missing: Refusal;
  /** One that is not accepted. Why is for the log alone: a guesser must not learn how far a guess got. */
  readonly invalid: Refusal;
  /** Good, but not for this. @param scopes  What would do; none where scopes are not what is missing. */
  forbidden(scopes: readonly string[]): Refusal;
  /** RFC 9470 3. */
  readonly stepUp: Refusal;
  /** Nobody can say now. */
  readonly unavailable: Refusal;
  /** RFC 9449 5 and 9: a proof that is missing or not good, or lacks our nonce. @param nonce  '' for none. */
  proof(reason: AuthReason, nonce: string): Refusal;
}

const RETRY_SOON = Object.freeze(['retry-after', '1']);

/**
 * `WWW-Authenticate` of a route: RFC 6750 3, RFC 9449 7.1, RFC 9470 3. API keys have no registered scheme; `ApiKey`
 * with the name of the field is what clients of others know.
 */
export function compileChallenges(config: Config, auth: RouteAuthConfig): Challenges {
  const takesTokens = auth.issuers.length > 0 || auth.introspection !== '';
  // Sessions have no registered scheme, and a 401 must name one (RFC 9110 15.5.2).
  const isLoginAlone = auth.login !== '' && !takesTokens && !auth.apiKeys;
  const mustProve = takesTokens && tokenSources(config, auth).every(({ requireDpop }) => requireDpop);
  const { realm } = config.authentication;
  const { acr, maxAgeSeconds } = auth.stepUp;
  const challenge = (scheme: string, parameters: readonly string[]): string => {
    const all = [...(realm === '' ? [] : [`realm="${realm}"`]), ...parameters];
    return all.length === 0 ? scheme : `${scheme} ${all.join(', ')}`;
  };
  const algorithms = `algs="${config.dpop.algorithms.join(' ')}"`;
  const ways = (error: readonly string[]): string[] => [
    ...(takesTokens && !mustProve ? ['www-authenticate', challenge('Bearer', error)] : []),
    ...(takesTokens ? ['www-authenticate', challenge('DPoP', [...error, algorithms])] : []),
    ...(isLoginAlone ? ['www-authenticate', challenge('Cookie', error)] : []),
    ...(auth.apiKeys ? ['www-authenticate', challenge('ApiKey', [`header="${config.apiKeys.header}"`])] : []),
  ];
  const invalid = refuse('SP_CREDENTIAL_INVALID', undefined, ways(['error="invalid_token"']));
  const tokens = takesTokens ? (mustProve ? 'DPoP' : 'Bearer') : 'Cookie';
  const bearer = (parameters: readonly string[]): string[] =>
    takesTokens || auth.login !== '' ? ['www-authenticate', challenge(tokens, parameters)] : [];
  return Object.freeze({
    missing: refuse('SP_UNAUTHENTICATED', undefined, ways([])),
    invalid,
    forbidden: (scopes: readonly string[]) =>
      refuse(
        'SP_FORBIDDEN',
        undefined,
        bearer(['error="insufficient_scope"', ...(scopes.length === 0 ? [] : [`scope="${scopes.join(' ')}"`])]),
      ),
    stepUp: refuse(
      'SP_STEP_UP_REQUIRED',
      undefined,
      bearer([
        'error="insufficient_user_authentication"',
        ...(acr.length === 0 ? [] : [`acr_values="${acr.join(' ')}"`]),
        ...(maxAgeSeconds === 0 ? [] : [`max_age="${maxAgeSeconds}"`]),
      ]),
    ),
    unavailable: refuse('SP_IDENTITY_UNAVAILABLE', undefined, RETRY_SOON),
    proof: (reason: AuthReason, nonce: string) => {
      const error = reason === 'dpop-nonce' ? 'use_dpop_nonce' : 'invalid_dpop_proof';
      const fields = ['www-authenticate', challenge('DPoP', [`error="${error}"`, algorithms])];
      return refuse('SP_CREDENTIAL_INVALID', undefined, nonce === '' ? fields : [...fields, 'dpop-nonce', nonce]);
    },
  });
}

function tokenSources(config: Config, auth: RouteAuthConfig): { readonly requireDpop: boolean }[] {
  const names = [
    ...auth.issuers.map((name) => config.issuers[name]),
    ...(auth.introspection === '' ? [] : [config.introspection[auth.introspection]]),
  ];
  return names.filter((source) => source !== undefined);
}

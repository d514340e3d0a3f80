import type { Algorithm } from './algorithms.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { mediaType } from './token.ts';

/** What the configuration says of an issuer of tokens, checked. */
export interface IssuerSettings {
  /** Its name in the configuration. */
  readonly name: string;
  /** `iss` of its tokens, compared letter for letter. */
  readonly issuer: string;
  /** A token must be for one of these; none means that no token is. */
  readonly audiences: readonly string[];
  /** A token must be signed with one of these. */
  readonly algorithms: readonly Algorithm[];
  /**
   * `typ` of its tokens, case and a leading `application/` ignored. Empty: a token may have none, `JWT` or `at+jwt`;
   * any other says that it is not an access token (RFC 8725 3.11).
   */
  readonly types: readonly string[];
  /** How far clocks may be apart, seconds >= 0. */
  readonly leewaySeconds: number;
  /** Longest time from `iat` to `exp`, seconds; 0 for no bound. With a bound, `iat` is required. */
  readonly lifetimeSecondsMax: number;
  /** Longest token, bytes. */
  readonly tokenBytesMax: number;
  /** Claim that holds the scopes, a text of words or an array of words; '' for `scope`, else `scp`. */
  readonly scopeClaim: string;
}

/** An issuer with its keys. One object per configured issuer and generation of the configuration: it is compared. */
export interface TrustedIssuer {
  readonly settings: IssuerSettings;
  readonly keys: IssuerKeys;
  /** As the header says it, ready for look-up. */
  readonly algorithms: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
  readonly audiences: ReadonlySet<string>;
}

const USUAL_TYPES = ['', 'jwt', 'at+jwt'];

/** Joins settings and keys, for the routes that trust them. */
export function trustedIssuer(settings: IssuerSettings, keys: IssuerKeys): TrustedIssuer {
  return Object.freeze({
    settings,
    keys,
    algorithms: new Set(settings.algorithms),
    types: new Set(settings.types.length === 0 ? USUAL_TYPES : settings.types.map(mediaType)),
    audiences: new Set(settings.audiences),
  });
}

/** What the configuration says of a server that is asked about opaque tokens, checked. */
export interface IntrospectionSettings {
  /** Its name in the configuration. */
  readonly name: string;
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** RFC 6749 2.3.1. */
  readonly method: 'client_secret_basic' | 'client_secret_post';
  /** A token must be for one of these; none for any. */
  readonly audiences: readonly string[];
  /** What `iss` of an answer must be; '' for any or none. */
  readonly issuer: string;
  /** Member with the scopes. */
  readonly scopeClaim: string;
  /** Longest wait for an answer, milliseconds, waiting for a connection included. */
  readonly timeoutMs: number;
  /** How long an active token is remembered, milliseconds; 0 for not. */
  readonly cacheMs: number;
  /** How long any other is; 0 for not. */
  readonly negativeCacheMs: number;
  /** Most active tokens that are remembered, and as many others. */
  readonly cacheMax: number;
  readonly connectionsMax: number;
}

import type { RevocationKind } from './kinds.ts';

/** What operators see of revocations, and may do to them. */

export interface RevocationView {
  readonly id: string;
  readonly kind: RevocationKind;
  /** Name of the issuer, introspection or login; '' for API keys. */
  readonly issuer: string;
  /** `jti`, `sub`, client id or key id. */
  readonly value: string;
  readonly since: string;
  readonly until: string;
  readonly leftSeconds: number;
  /** Tokens issued until then; null for all. */
  readonly issuedUntil: string | null;
  readonly reason: string;
  readonly node: string;
}

export interface RevocationPage {
  readonly revocations: readonly RevocationView[];
  /** Revocations that hold and fit the filter, on all pages. */
  readonly total: number;
  /** For the next page; null on the last. */
  readonly next: string | null;
}

export interface RevocationQuery {
  /** 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
  /** Only revocations of this value; null for all. */
  readonly key: string | null;
}

export interface RevocationOrder {
  readonly kind: RevocationKind;
  /** Name of an issuer, introspection or login; '' for API keys. */
  readonly issuer: string;
  readonly value: string;
  /** When it ends, milliseconds since 1970; null for as long as tokens of the issuer may live. */
  readonly untilMs: number | null;
  /** Tokens issued until then, milliseconds since 1970; null for all. */
  readonly issuedUntilMs: number | null;
  readonly reason: string;
}

export type RevocationAnswer =
  | {
      readonly ok: true;
      readonly revocation: RevocationView;
      /** It is on disk: a restart keeps it. */
      readonly saved: boolean;
    }
  | { readonly ok: false; readonly found: 'wrong' | 'absent' | 'full'; readonly words: string };

/** Revocations as the operators' listener uses them. @param who  Address of the operator, for the log. */
export interface RevocationDesk {
  list(query: RevocationQuery): RevocationPage;
  add(order: RevocationOrder, who: string): Promise<RevocationAnswer>;
  lift(id: string, who: string): Promise<RevocationAnswer>;
}

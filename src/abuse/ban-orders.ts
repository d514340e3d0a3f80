/** What operators see of bans, and may do to them. */

export interface BanView {
  readonly id: string;
  readonly rule: string;
  readonly kind: string;
  /** The key; parts with ` + ` between them, secrets as a digest. */
  readonly value: string;
  readonly since: string;
  readonly until: string;
  readonly leftSeconds: number;
  readonly strikes: number;
  readonly reason: string;
  readonly node: string;
}

export interface BanPage {
  readonly bans: readonly BanView[];
  /** Bans that run and fit the filter, on all pages. */
  readonly total: number;
  /** For the next page; null on the last. */
  readonly next: string | null;
}

export interface BanQuery {
  /** 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
  /** Only bans of this key, as it is shown; null for all. */
  readonly key: string | null;
}

export interface BanOrder {
  /** `manual`, or a rule whose key is the address alone. */
  readonly rule: string;
  /** An address, or the prefix that the gateway takes for one client. */
  readonly value: string;
  readonly seconds: number;
  readonly reason: string;
}

export type BanAnswer =
  | { readonly ok: true; readonly ban: BanView }
  | { readonly ok: false; readonly found: 'wrong' | 'absent'; readonly words: string };

/** Bans as the operators' listener uses them. @param who  Address of the operator, for the log. */
export interface BanDesk {
  list(query: BanQuery): BanPage;
  add(order: BanOrder, who: string): BanAnswer;
  lift(id: string, who: string): BanAnswer;
}

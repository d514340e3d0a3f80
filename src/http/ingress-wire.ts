import type { MessagePort } from 'node:worker_threads';
import type { BanMade } from '../abuse/wire.ts';
import type { KeyNews, KeySnapshot } from '../api-keys/wire.ts';
import type { Config } from '../config/schema.ts';
import type { IssuerKeysNews, KeysWanted } from '../issuer-wire.ts';
import type { WafPatches } from '../pipeline/waf-patches.ts';
import type { WafRules } from '../pipeline/waf-rules.ts';
import type { TlsMaterial } from '../tls/snapshot.ts';
import type { SlotPlan } from '../upstream/targets.ts';

/** One configuration as it travels to an ingress thread: plain data, compiled there. */
export interface Generation {
  readonly number: number;
  readonly config: Config;
  readonly plan: SlotPlan;
  /** Metrics row by route name; a name keeps its row over reloads. */
  readonly routeRows: Readonly<Record<string, number>>;
  /** Metrics row by `KIND:NAME` of a policy, likewise. */
  readonly policyRows: Readonly<Record<string, number>>;
  readonly trafficRows: TrafficRows;
  /** PEM of `identity.token.key`, as it was read for this generation; '' for none. */
  readonly tokenKey: string;
  /** PEM certificates by the name of a login with `ca`, likewise. */
  readonly loginAuthorities: Readonly<Record<string, readonly string[]>>;
  /** PEM certificates of `introspection.NAME.ca` by that name; servers without are not in it. */
  readonly introspectionAuthorities: Readonly<Record<string, readonly string[]>>;
  /** Null where no route is under a firewall. */
  readonly wafRules: WafRules | null;
  /** Virtual patches that run before those rules; null for none. They change without a new generation. */
  readonly wafPatches: WafPatches | null;
}

/** Tables that all threads share about throttles, concurrency and memory: see src/throttle. */
export interface TrafficWords {
  readonly throttles: Int32Array<SharedArrayBuffer>;
  readonly concurrency: Int32Array<SharedArrayBuffer>;
  readonly memory: Int32Array<SharedArrayBuffer>;
}

/** Rows of those tables. */
export interface TrafficRows {
  /** By identity of the throttle. */
  readonly throttles: ReadonlyMap<string, number>;
  /** By `route:NAME` and `upstream:NAME`. */
  readonly concurrency: ReadonlyMap<string, number>;
}

/** The task that Piscina hands to an ingress thread. It ends when the thread has drained. */
export interface IngressTask {
  readonly threadIndex: number;
  readonly threads: number;
  readonly generation: Generation;
  readonly metricsTable: SharedArrayBuffer;
  readonly targetTable: SharedArrayBuffer;
  /** See src/limiter/layout.ts. */
  readonly limiterWords: Int32Array<SharedArrayBuffer>;
  /** See src/waf/collections/layout.ts. */
  readonly collectionWords: Int32Array<SharedArrayBuffer>;
  /** See src/abuse/layout.ts. */
  readonly banWords: Int32Array<SharedArrayBuffer>;
  /** See src/revocation/layout.ts. */
  readonly revocationWords: Int32Array<SharedArrayBuffer>;
  /** See src/replay/layout.ts. */
  readonly replayWords: Int32Array<SharedArrayBuffer>;
  /** What nonces of proofs are made with: see src/auth/dpop-nonce.ts. */
  readonly dpopSecret: Uint8Array;
  readonly trafficWords: TrafficWords;
  /** API keys at the start of the thread; null where there are none. Changes since then wait on `control`. */
  readonly keys: KeySnapshot | null;
  /** PEM certificates of `redis.tls.ca`; none for the system's. */
  readonly redisAuthorities: readonly string[];
  /** Keys of issuers as they are when the thread begins; later ones come over `control`. */
  readonly issuerKeys: readonly IssuerKeysNews[];
  readonly tls: TlsMaterial | null;
  /** False after a replacement while descriptors are short: the thread starts without listening. */
  readonly accepting: boolean;
  readonly control: MessagePort;
  readonly lines: MessagePort;
  /** Records of the audit log. */
  readonly audit: MessagePort;
}

/** Main thread to ingress thread, over `control`. */
export type ToIngress =
  | { readonly kind: 'reload'; readonly generation: Generation; readonly issuerKeys: readonly IssuerKeysNews[] }
  | IssuerKeysNews
  /** Other virtual patches are live; null for none. */
  | { readonly kind: 'patches'; readonly number: number; readonly patches: WafPatches | null }
  | { readonly kind: 'tls'; readonly material: TlsMaterial }
  | { readonly kind: 'accept'; readonly accepting: boolean }
  | { readonly kind: 'drain'; readonly deadlineMs: number }
  /** An inspect thread is ready: it takes jobs over this port. */
  | { readonly kind: 'inspector'; readonly port: MessagePort }
  | KeyNews;

/** Ingress thread to main thread, over `control`. */
export type FromIngress =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string }
  | { readonly kind: 'reloaded'; readonly number: number; readonly error: string | null }
  | { readonly kind: 'tls-applied'; readonly number: number; readonly error: string | null }
  | { readonly kind: 'patched'; readonly number: number; readonly error: string | null }
  | BanMade
  | KeysWanted;

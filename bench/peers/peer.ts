import type { Certificate } from '../certificate.ts';
import type { CredentialFiles } from '../credentials.ts';
import type { Duties, Duty } from '../duties.ts';
import type { RuleSetFiles } from '../rule-set.ts';
import type { Launch } from '../servers.ts';

/** A reverse proxy to compare, as it is best set up for the work. */
export interface Peer {
  /** A PeerName, or what a variant is called. */
  readonly name: string;
  /** What it can be set up to do. */
  readonly can: Duties;
  /** What it is made of, where its name does not say it. */
  readonly needs?: string;
  /** Where its access log is, in its folder, and what every line of it holds. */
  readonly log: { readonly file: string; readonly mark: string };
  /** First line of what it says of itself; null when it is not installed. */
  version(): string | null;
  launch(setup: PeerSetup): Launch;
}

export interface PeerSetup {
  /** Loopback port to listen on, and the upstream's. */
  readonly port: number;
  readonly upstreamPort: number;
  /** Where its metrics are to be read; 0 for nowhere. */
  readonly adminPort: number;
  readonly threads: number;
  /** None: forward, nothing else. */
  readonly duties: Duties;
  /** Serve TLS 1.3 alone; null for plain HTTP. */
  readonly tls: Certificate | null;
  /** For the duty `rules`: at paranoia level 1 and without the bodies of answers. */
  readonly ruleSet: RuleSetFiles | null;
  /** For the duties `jwt` and `api-key`. */
  readonly credentials: CredentialFiles | null;
  /** For the duty `limiter`: requests of one address that pass within a day. */
  readonly requestsAllowed: number;
  /** For the duty `routes`: how many there are (routePath). */
  readonly routes: number;
}

/** Idle upstream connections kept: as many as any case has clients, so that nobody connects anew. */
export const IDLE_CONNECTIONS = 64;
/** Clients of one proxy: those of idle-10k, and room for the rest. */
export const CLIENTS_MAX = 10_240;
/** Longest body of a request, bytes. */
export const BODY_BYTES_MAX = 134_217_728;
/** A window so long that all of a run falls into it. */
export const LIMIT_WINDOW_SECONDS = 86_400;

/** Duties of a case that a proxy is not set up to do. */
export function lacksOf(peer: Peer, duties: Duties): readonly Duty[] {
  return duties.filter((duty) => !peer.can.includes(duty));
}

/** @throws Error where a duty needs what the setup does not have: a mistake of the caller. */
export function given<T>(value: T | null, what: string): T {
  if (value === null) throw new Error(`the setup has no ${what}`);
  return value;
}

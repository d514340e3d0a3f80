import type { Certificate } from '../certificate.ts';
import type { RuleSetFiles } from '../rule-set.ts';
import type { Launch } from '../servers.ts';

/** A reverse proxy to compare, as one thread of it is best set up for the work. */
export interface Peer {
  readonly name: string;
  /** Whether it takes part where rules are run, where none are, or both. */
  readonly firewall: 'never' | 'always' | 'either';
  /** What it is made of, where its name does not say it. */
  readonly needs?: string;
  /** First line of what it says of itself; null when it is not installed. */
  version(): string | null;
  launch(setup: PeerSetup): Launch;
}

export interface PeerSetup {
  /** Loopback port to listen on, and the upstream's. */
  readonly port: number;
  readonly upstreamPort: number;
  /**
   * False: forward, nothing else. True: a JSON access line per request in a file, with request id, client, method,
   * path, status, times, bytes and user agent; X-Forwarded-For, -Host, -Proto, X-Request-Id towards the upstream.
   */
  readonly duties: boolean;
  /** Serve TLS 1.3 alone; null for plain HTTP. */
  readonly tls: Certificate | null;
  /**
   * Rules that inspect and block, at paranoia level 1 and without the bodies of answers; then forwarded fields are sent
   * whatever `duties` says. Null for none.
   */
  readonly ruleSet: RuleSetFiles | null;
}

/** Idle upstream connections kept: more than any case has clients, so that nobody connects anew. */
export const IDLE_CONNECTIONS = 64;

import { caddy } from './caddy.ts';
import { fastify } from './fastify.ts';
import { haproxy } from './haproxy.ts';
import { modsecurity } from './modsecurity.ts';
import { nginx } from './nginx.ts';
import type { Peer } from './peer.ts';
import { sallyport } from './sallyport.ts';

/** In the order in which they run. */
export const PEERS: readonly Peer[] = [nginx, haproxy, caddy, modsecurity, fastify, sallyport];

// hot path: synchronous, never throws
import type { Config } from '../config/schema.ts';
import type { Transaction } from '../transaction.ts';
import type { ClientAddresses } from './client-address.ts';
import { elementStart, isExtendable, parameterOf } from './forwarded.ts';
import { hostName } from './host.ts';

/**
 * Fields that tell the upstream who asks, by which name and how: X-Forwarded-For, -Proto and -Host, or Forwarded
 * (RFC 7239), or both; always Via (RFC 9110 7.6.3) and X-Request-Id. The intake took received ones off the message, so
 * each is there once.
 *
 * Received values are believed from trusted peers only, and then of one family alone: X-Forwarded-* when there is an
 * X-Forwarded-For, else Forwarded. The other family's fields are written anew from what was believed: a proxy that
 * keeps one passes a stranger's other one on untouched.
 *
 * X-Forwarded-Port is not written: X-Forwarded-Host and -Proto say it already, and two sources may disagree.
 *
 * @returns A function `(tx) => fields`, each `name: value\r\n`; needs `peer`, `client`, `authority` and `requestId` set
 *          and checked. ASCII without control characters.
 */
export function compileForwarding(
  config: Config['forwarding'],
  clientAddresses: ClientAddresses,
): (tx: Transaction) => string {
  const via = `1.1 ${config.via}\r\n`;
  const tail = (tx: Transaction) => `via: ${tx.via === '' ? '' : `${tx.via}, `}${via}x-request-id: ${tx.requestId}\r\n`;
  const write = WRITERS[config.style];
  if (write === null) return tail;
  return (tx) => {
    const { peer } = tx;
    const believed = clientAddresses.trusts(peer);
    const scheme = tx.secure ? 'https' : 'http';
    if (!believed) return write(tx, NONE, scheme, tx.authority) + tail(tx);
    const family = tx.xForwardedFor !== '' || tx.forwarded === '' ? X_FORWARDED : FORWARDED;
    return write(tx, family, receivedScheme(tx, family) || scheme, receivedHost(tx, family) || tx.authority) + tail(tx);
  };
}

/**
 * The origin that the client sees, `https://api.example.com:8443`: as the request says it, or the trusted proxy that it
 * came by.
 */
export function compileOrigin(clientAddresses: ClientAddresses): (tx: Transaction) => string {
  return (tx) => {
    const scheme = tx.secure ? 'https' : 'http';
    if (!clientAddresses.trusts(tx.peer)) return `${scheme}://${tx.authority}`;
    const family = tx.xForwardedFor !== '' || tx.forwarded === '' ? X_FORWARDED : FORWARDED;
    return `${receivedScheme(tx, family) || scheme}://${receivedHost(tx, family) || tx.authority}`;
  };
}

/** Whose claims are believed. */
const NONE = 0;
const X_FORWARDED = 1;
const FORWARDED = 2;

type Writer = (tx: Transaction, family: number, scheme: string, host: string) => string;

const WRITERS: Readonly<Record<Config['forwarding']['style'], Writer | null>> = {
  'x-forwarded': xForwardedFields,
  forwarded: forwardedField,
  both: (tx, family, scheme, host) =>
    xForwardedFields(tx, family, scheme, host) + forwardedField(tx, family, scheme, host),
  none: null,
};

function xForwardedFields(tx: Transaction, family: number, scheme: string, host: string): string {
  let before = '';
  if (family === X_FORWARDED && tx.xForwardedFor !== '') before = `${tx.xForwardedFor}, `;
  else if (family !== NONE && tx.client !== tx.peer) before = `${tx.client}, `;
  return `x-forwarded-for: ${before}${tx.peer}\r\nx-forwarded-proto: ${scheme}\r\nx-forwarded-host: ${host}\r\n`;
}

/** `by` is left out: our own address is nobody's business (RFC 7239 8.2). */
function forwardedField(tx: Transaction, family: number, scheme: string, host: string): string {
  let before = '';
  // After an open quote a reader would take our element for a part of a stranger's.
  if (family === FORWARDED && isExtendable(tx.forwarded)) before = `${tx.forwarded}, `;
  else if (family !== NONE && tx.client !== tx.peer) before = `for=${node(tx.client)}, `;
  return `forwarded: ${before}for=${node(tx.peer)};host=${quoted(host)};proto=${scheme}\r\n`;
}

/** RFC 7239 6: IPv6 stands in brackets, and these in quotes. */
function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}

/** The one character of a checked host that is no `tchar` comes with a port or IPv6 literal. */
function quoted(host: string): string {
  return host.includes(':') ? `"${host}"` : host;
}

/** The last word is the nearest proxy's, the one that is trusted. @returns  '' for anything but http and https. */
function receivedScheme(tx: Transaction, family: number): string {
  const received =
    family === FORWARDED ? parameterOf(lastElement(tx.forwarded), 'proto') : lastEntry(tx.xForwardedProto);
  const scheme = received.toLowerCase();
  return scheme === 'https' || scheme === 'http' ? scheme : '';
}

function receivedHost(tx: Transaction, family: number): string {
  const received = family === FORWARDED ? parameterOf(lastElement(tx.forwarded), 'host') : lastEntry(tx.xForwardedHost);
  return received !== '' && hostName(received) !== '' ? received : '';
}

function lastElement(list: string): string {
  const start = elementStart(list, list.length);
  return start === -1 ? '' : list.slice(start);
}

function lastEntry(list: string): string {
  const comma = list.lastIndexOf(',');
  return comma === -1 ? list : list.slice(comma + 1).trim();
}

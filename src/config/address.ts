import { BlockList, isIP, isIPv6 } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** True for addresses that only this machine can reach, and for the name `localhost`. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === 'localhost';
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * What is wrong with an address or CIDR range, or undefined when nothing is.
 *
 * @param text  `10.0.0.0/8`, `192.0.2.1`, `2001:db8::/32`.
 */
export function whyNotRange(text: string): string | undefined {
  const [address = '', bits, more] = text.split('/');
  if (isIP(address) === 0) return 'is not an IP address';
  // A zone names an interface of this machine; ranges are compared with addresses alone.
  if (address.includes('%')) return 'has a zone (%)';
  if (bits === undefined) return undefined;
  const bitsMax = isIPv6(address) ? 128 : 32;
  if (more !== undefined || !/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > bitsMax) {
    return `needs a prefix length from 0 to ${bitsMax} after the /`;
  }
  return undefined;
}

/** True for letters, digits, `-` and `_` between single dots, at most 253 long (RFC 1035; `_` is practice). */
export function isHostName(text: string): boolean {
  if (text.length > 253) return false;
  return text.split('.').every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
}

/** Names whose last part is a number are IPv4 addresses to a URL parser: `1.2.3`, `0x7f.1`. */
export function looksNumeric(text: string): boolean {
  return /(^|\.)(\d+|0[xX][0-9A-Fa-f]*)\.?$/.test(text);
}

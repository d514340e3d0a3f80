import { type AddressSet, compileAddressSet } from '../base/address-set.ts';
import { type AddressRange, parseRange } from '../base/ip-address.ts';
import { SallyportError } from '../errors.ts';

/**
 * The set of a list of addresses and CIDR ranges as operators write it.
 *
 * @param ranges   Addresses or CIDR blocks, IPv4 or IPv6; bits below the prefix are ignored.
 * @param setting  Name of the setting they come from, for the error.
 * @throws  SallyportError SP_CONFIG for what is neither.
 */
export function compileRanges(ranges: readonly string[], setting: string): AddressSet {
  return compileAddressSet(ranges.map((text, index) => rangeOf(text, setting, index)));
}

function rangeOf(text: string, setting: string, index: number): AddressRange {
  const range = parseRange(text);
  if (range !== null) return range;
  const found = `${setting}[${index}] is "${text}", not an address or CIDR range`;
  const message = `${found}; write 10.0.0.0/8 or 2001:db8::/32`;
  throw new SallyportError('SP_CONFIG', message, { setting, index, value: text });
}

import { compileAddressSet, hasAddress } from '../../base/address-set.ts';
import type { ByteText } from '../../base/byte-text.ts';
import { type AddressRange, parseRange } from '../../base/ip-address.ts';
import type { OperatorTest, OperatorWord } from '../operator.ts';
import { SecLangReason } from '../seclang/reason.ts';

/**
 * `@ipMatch 10.0.0.0/8,::1`: the value is an address in one of the ranges. What is no address is in none. IPv4-mapped
 * IPv6 addresses are IPv4.
 */
export const ipMatch: OperatorWord = {
  name: 'ipMatch',
  compile: (parameter) => addressTestOf('ipMatch', parameter.split(',')),
};

/**
 * @param word  SecLang name of the operator, for messages.
 * @throws  SecLangReason with the first text that is no range.
 */
export function addressTestOf(word: string, texts: readonly ByteText[]): OperatorTest {
  const ranges = texts.map((text): AddressRange => {
    const range = parseRange(text.trim());
    if (range !== null) return range;
    throw new SecLangReason(`@${word}: "${text.trim()}" is no address or range, as 10.0.0.0/8 or 2001:db8::/32 are`);
  });
  const set = compileAddressSet(ranges);
  return (value) => hasAddress(set, value.text);
}

import type { Unread } from '../tuning/read-records.ts';
import { bare, counted } from './printable.ts';

/** What of recordings was not read, in a line; '' where all was. */
export function unreadWords({ malformed, tooLong, other, places }: Unread): string {
  const words = [
    ...(malformed > 0 ? [`${malformed} that cannot be read as a record`] : []),
    ...(tooLong > 0 ? [`${tooLong} too long`] : []),
    ...(other > 0 ? [`${counted(other, 'line')} of something else`] : []),
  ];
  if (words.length === 0) return '';
  return `passed over: ${words.join(', ')}${places.length === 0 ? '' : `; first at ${places.map(bare).join(', ')}`}\n`;
}

import { RecordFile } from '../records/record-file.ts';
import { type BanRecord, parseRecord, RECORD_LENGTH_MAX } from './record.ts';

/**
 * The file that bans are kept in over a restart. A damaged one is used as far as it is sound: bans are a help, and a
 * gateway that does not start is none.
 *
 * @param bansMax  Bounds what is read.
 */
export function banFile(path: string, bansMax: number): RecordFile<BanRecord> {
  return new RecordFile({
    path,
    things: 'bans',
    setting: 'abuse.file',
    boundedBy: 'abuse.bansMax',
    recordsMax: bansMax,
    lengthMax: RECORD_LENGTH_MAX,
    whenDamaged: 'keep-aside',
    parse: parseRecord,
  });
}

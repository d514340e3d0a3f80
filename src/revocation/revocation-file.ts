import { RecordFile } from '../records/record-file.ts';
import { parseRecord, RECORD_LENGTH_MAX, type RevocationRecord } from './record.ts';

/**
 * The file that revocations are kept in over a restart. A damaged one stops the boot: what is missing from it would be
 * let in again.
 *
 * @param recordsMax  Bounds what is read: revocations, and lifted ones that are remembered.
 */
export function revocationFile(path: string, recordsMax: number): RecordFile<RevocationRecord> {
  return new RecordFile({
    path,
    things: 'revocations',
    setting: 'revocations.file',
    boundedBy: 'revocations.max',
    recordsMax,
    lengthMax: RECORD_LENGTH_MAX,
    whenDamaged: 'refuse',
    parse: parseRecord,
  });
}

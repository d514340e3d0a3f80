import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { BodyProcessor } from '../../src/parsed-body.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';
import { read, utf8 } from './support.ts';

// Bodies of the Core Rule Set's own regression tests: rules look for something in them, so they must be read. For all
// but XML, arguments, files and part headers were compared with libmodsecurity 3.0.9 and are the same, save for the
// bodies below that both refuse.

/** Bodies that are not what their type says, by test. */
const REFUSED: Readonly<Record<string, string>> = {
  '920120-39': 'a Content-Disposition has no name',
  '920240-4': 'an attribute without a value (byte 18)',
  // The pattern that should repeat stands in it as it is.
  '920400-1': 'a part has no empty line behind its header',
  '920400-2': 'a part has no empty line behind its header',
  '920420-9': 'is no value (byte 0)',
  '920420-10': 'text outside the outermost element (byte 0)',
};

interface RegressionFile {
  readonly rule_id: number;
  readonly tests?: readonly {
    readonly test_id: number;
    readonly stages: readonly {
      readonly input?: { readonly data?: unknown; readonly headers?: Readonly<Record<string, string>> };
    }[];
  }[];
}

function processorOf(type: string): BodyProcessor | null {
  if (/^multipart\/form-data/i.test(type)) return 'MULTIPART';
  if (type.includes('json')) return 'JSON';
  if (type.includes('xml')) return 'XML';
  return type.includes('urlenc') ? 'URLENCODED' : null;
}

const folder = sharedMaterial('crs/tests');

test('bodies of the rule set’s tests are read', { skip: folder === null && NO_MATERIAL }, () => {
  assert.ok(folder !== null);
  const counts = { URLENCODED: 0, MULTIPART: 0, XML: 0, JSON: 0, RAW: 0 };
  const refused: Record<string, string> = {};
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.yaml')) continue;
    const { rule_id: rule, tests = [] } = (parse(readFileSync(join(folder, file), 'utf8')) ?? {}) as RegressionFile;
    for (const { test_id: number, stages } of tests) {
      for (const { input } of stages) {
        const header = Object.entries(input?.headers ?? {}).find(([name]) => name.toLowerCase() === 'content-type');
        const type = String(header?.[1] ?? '');
        const processor = processorOf(type);
        if (processor === null || typeof input?.data !== 'string' || input.data === '') continue;
        counts[processor] += 1;
        const { error } = read(processor, utf8(input.data), type);
        if (error !== null) refused[`${rule}-${number}`] = error;
      }
    }
  }
  assert.deepEqual(refused, REFUSED);
  assert.deepEqual(counts, { URLENCODED: 372, MULTIPART: 117, XML: 361, JSON: 284, RAW: 0 });
});

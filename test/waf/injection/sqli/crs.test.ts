import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { detectSqlInjection } from '../../../../src/waf/injection/sqli/detect.ts';
import { NO_MATERIAL, sharedMaterial } from '../../../support/shared-material.ts';
import { decode } from '../lists.ts';

const folder = sharedMaterial('crs/tests/REQUEST-942-APPLICATION-ATTACK-SQLI');

interface Stage {
  readonly input: { readonly uri?: string; readonly data?: string; readonly headers?: Record<string, string> };
  readonly output: { readonly log?: { readonly expect_ids?: number[] } };
}
interface Cases {
  readonly tests: { readonly test_id: number; readonly stages: Stage[] }[];
}

/** Names and values of fields, path and headers: about what the two rules look at. */
function valuesOf({ uri = '', data = '', headers = {} }: Stage['input']): string[] {
  const [path = '', query = ''] = uri.split(/\?(.*)/s);
  const fields = [query, data].flatMap((text) => text.split('&')).flatMap((field) => field.split(/=(.*)/s));
  const cookies = (headers.Cookie ?? '').split('; ').flatMap((cookie) => cookie.split(/=(.*)/s));
  // Attributes and text of XML.
  const nodes = data.startsWith('<') ? data.split(/[<>"]/) : [];
  const { Referer = '', 'User-Agent': agent = '' } = headers;
  return [...fields, ...cookies, ...nodes, path, path.slice(path.lastIndexOf('/') + 1), Referer, agent, data].map(
    decode,
  );
}

describe('cases of the Core Rule Set', { skip: folder === null ? NO_MATERIAL : false }, () => {
  for (const [id, matching, total] of [
    [942100, 15, 15],
    [942101, 9, 11],
  ] as const) {
    it(`for rule ${id}`, () => {
      const { tests } = parse(readFileSync(`${folder}/${id}.yaml`, 'utf8')) as Cases;
      let expected = 0;
      for (const { test_id, stages } of tests) {
        for (const { input, output } of stages) {
          const isExpected = output.log?.expect_ids?.includes(id) ?? false;
          if (isExpected) expected += 1;
          const found = valuesOf(input).filter((value) => detectSqlInjection(value) !== null);
          assert.equal(found.length > 0, isExpected, `case ${test_id}: ${JSON.stringify([input, found])}`);
        }
      }
      assert.deepEqual([expected, tests.length], [matching, total]);
    });
  }
});

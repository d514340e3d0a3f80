import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { isXss } from '../../../../src/waf/injection/xss/detect.ts';
import { NO_MATERIAL, sharedMaterial } from '../../../support/shared-material.ts';
import { readLists } from './lists.ts';
import { mutate } from './mutations.ts';
import { htmlSoup } from './soup.ts';
import { NO_ORACLE, startXssOracle, type XssOracle } from './xss-oracle.ts';

const lists = sharedMaterial('injection/lists');

describe('as ModSecurity', { skip: NO_ORACLE }, () => {
  let oracle: XssOracle;
  before(async () => {
    oracle = await startXssOracle();
  });
  after(() => oracle.stop());

  async function compare(values: readonly string[]): Promise<number> {
    const verdicts = await oracle.ask(values);
    assert.deepEqual(
      values.filter((value, index) => isXss(value) !== verdicts[index]),
      [],
    );
    return verdicts.filter(Boolean).length;
  }

  test('the lists', { skip: lists === null && NO_MATERIAL }, async () => {
    assert.equal(await compare(readLists(lists as string, /^(?:tbd-)?xss-/)), 1_389);
    assert.equal(await compare(readLists(lists as string, /^false_positives/)), 0);
  });

  test('variants of the lists', { skip: lists === null && NO_MATERIAL }, async () => {
    const found = await compare(mutate(readLists(lists as string, /^xss-/), 3_000, 11));
    assert.ok(found > 1_000, `${found} are attacks`);
  });

  test('soup', async () => {
    const found = await compare(fc.sample(htmlSoup, { numRuns: 2_000, seed: 5 }));
    assert.ok(found > 100, `${found} are attacks`);
  });

  test('its blind spots', async () => {
    const script = '<script>alert(1)</script>';
    const unseen = ['</>', '<!-->', '<![CDATA[>', '<%'].map((front) => `x>${front}${script}`);
    assert.deepEqual(await oracle.ask(unseen), [false, false, false, false]);
    assert.equal(await compare(unseen), 0);
  });

  test('a byte 255 in a tag: there it ends the reading', async () => {
    assert.deepEqual(await oracle.ask(['<b \xff onclick=1>', '<b onclick=\xff1>']), [false, false]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detectSqlInjection } from '../../../../src/waf/injection/sqli/detect.ts';
import { WORDS_BY_KIND } from '../../../../src/waf/injection/sqli/words.ts';
import { NO_MATERIAL, sharedMaterial } from '../../../support/shared-material.ts';
import { honestValues } from '../honest.ts';
import { readLists } from '../lists.ts';
import { NO_ORACLE, startOracle } from '../oracle.ts';
import { variantsOf } from './variants.ts';

const folder = sharedMaterial('injection/lists');
const count = (values: readonly string[]) => values.filter((value) => detectSqlInjection(value) !== null).length;

describe('lists', () => {
  // ModSecurity finds these too, as the comparison below shows.
  it('attacks are found, honest lines are not', { skip: folder === null ? NO_MATERIAL : false }, () => {
    const attacks = readLists(folder as string, 'sqli-');
    const honest = readLists(folder as string, 'false_positives');
    assert.deepEqual([attacks.length, count(attacks)], [12_548, 12_077]);
    assert.deepEqual([honest.length, count(honest)], [370, 15]);
  });

  it('honest text of every day is not, but for select committees and Union Select Motors', () => {
    const honest = honestValues();
    assert.deepEqual([honest.length, count(honest)], [640, 6]);
  });
});

describe('ModSecurity says the same, fingerprints too', { skip: NO_ORACLE }, () => {
  /** @returns  How many are injections. */
  async function compare(values: readonly string[]): Promise<number> {
    const oracle = await startOracle('detectSQLi');
    try {
      const verdicts = await oracle.judge(values);
      const differing = values.flatMap((value, i) => {
        const own = detectSqlInjection(value) ?? '';
        return own === verdicts[i] ? [] : [{ value, own, theirs: verdicts[i] }];
      });
      assert.deepEqual(differing, []);
      return verdicts.filter((verdict) => verdict !== '').length;
    } finally {
      await oracle.stop();
    }
  }

  it('of the lists, and of variants of their lines', { skip: folder === null ? NO_MATERIAL : false }, async () => {
    const lines = ['sqli-', 'xss-', 'false_positives'].flatMap((prefix) => readLists(folder as string, prefix));
    // One of the variants of each line, turn by turn: all of them agree too, but take a quarter of a minute.
    const values = [...new Set(lines.flatMap((line, i) => [line, variantsOf(line, i)[i % 8] as string]))];
    assert.equal(values.length, 25_976);
    assert.equal(await compare(values), 19_926);
  });

  it('of honest text', async () => {
    assert.equal(await compare(honestValues()), 6);
  });

  it('of words, quotes and signs in any order', async () => {
    const words = WORDS_BY_KIND.flatMap(([, list]) => list.split(',').map((word) => word.trim()));
    const signs = `' " \` -- # /* */ /*! ( ) { } , . : ; \\ ? @ @@ [ ] $ $$ 1 0x1F 0b1 1e5 1.5 1fu .1 x'1F' b'01' n'a' q'!a!'
      u&'a' + - * / % ^ ~ ! | || & && = < <=> :: := \0 \x7f \xa0 \xdf foo foo.bar a_b IF IN LIKE NOT OR SELECT UNION`;
    const pieces = [...words, ...signs.split(/\s+/), ...signs.split(/\s+/), ...signs.split(/\s+/)];
    let state = 88_172_645;
    const random = (bound: number) => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % bound;
    };
    const values = Array.from({ length: 30_000 }, () =>
      Array.from({ length: 2 + random(9) }, () => pieces[random(pieces.length)] + (random(3) === 0 ? '' : ' ')).join(
        '',
      ),
    );
    assert.ok((await compare(values)) > 500);
  });
});

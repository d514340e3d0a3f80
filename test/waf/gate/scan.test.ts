import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupsOfText } from '../../../src/waf/gate/byte-groups.ts';
import { foldedText, KINDS } from '../../../src/waf/gate/folded-bytes.ts';
import { literalTables } from '../../../src/waf/gate/literal-automaton.ts';
import { ValueScanner } from '../../../src/waf/gate/scan.ts';
import { scanTables } from '../../../src/waf/gate/scan-tables.ts';
import { InspectedValue } from '../../../src/waf/value.ts';
import { fuzzRun } from '../../support/fuzz.ts';

const letters = fc.constantFrom('a', 'b', 'c', 'A', '1', '3', '\xe9', '\n', ' ', '~', '@');
const text = (maxLength: number) => fc.array(letters, { minLength: 1, maxLength }).map((list) => list.join(''));

test('fast-check: a value meets the clauses whose literals it holds, and no others', (t) => {
  let met = 0;
  fc.assert(
    fc.property(fc.uniqueArray(text(5).map(foldedText), { maxLength: 70 }), fc.array(text(30)), (literals, values) => {
      // A clause each; the first literal meets the last clause too.
      const clauses = literals.map((_, index) => (index === 0 ? [0, literals.length - 1] : [index]));
      const scanner = new ValueScanner(scanTables(literalTables(literals), clauses, literals.length));
      for (const one of ['', ...values]) {
        const value = new InspectedValue(one);
        scanner.look(value);
        const folded = foldedText(one);
        literals.forEach((literal, index) => {
          const holds =
            folded.includes(literal) || (index === literals.length - 1 && folded.includes(literals[0] ?? ''));
          const bit = ((value.hits?.[Math.floor(index / 30)] as number) >> (index % 30)) & 1;
          assert.equal(bit, holds ? 1 : 0, `${literal} in ${one}`);
          met += bit;
        });
        assert.equal(value.groups, groupsOfText(one));
      }
    }),
    fuzzRun(t, 300),
  );
  assert.ok(met > 300, `${met} met`);
});

test('there are 64 kinds of bytes', () => {
  assert.equal(new Set(KINDS).size, 64);
  assert.equal(Math.max(...KINDS), 63);
});

test('a text of nothing but literals costs about what another does', () => {
  const literals = ['un', 'uni', 'union', 'nio', 'ion', 'on', 'onu'];
  const clauses = literals.map((_, index) => Array.from({ length: 60 }, (__, clause) => index * 60 + clause));
  const scanner = new ValueScanner(scanTables(literalTables(literals), clauses, 420));
  const time = (one: string): number => {
    const times = Array.from({ length: 9 }, () => {
      const value = new InspectedValue(one);
      const startedAt = performance.now();
      scanner.look(value);
      return performance.now() - startedAt;
    });
    return Math.min(...times);
  };
  const [worst, usual] = [time('union'.repeat(40_000)), time('xyzzy'.repeat(40_000))];
  assert.ok(worst < usual * 12, `${worst} ms against ${usual} ms`);
});

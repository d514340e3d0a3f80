import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fuzzRun } from '../../support/fuzz.ts';
import { captured, compiled } from '../../support/operators.ts';

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  // Nearly UTF-8: lead bytes of all lengths, and what may follow them.
  fc.array(
    fc.constantFrom(0x41, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0x9f, 0xa0, 0xed, 0xef, 0xf0, 0x8f, 0x90, 0xf4, 0xf5),
  ),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => Buffer.from(text, 'utf8')),
);

test('@validateUtf8Encoding holds where a strict decoder fails', (t) => {
  const holds = compiled('validateUtf8Encoding', '');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const fails = (bytes: Uint8Array): boolean => {
    try {
      decoder.decode(bytes);
      return false;
    } catch {
      return true;
    }
  };
  fc.assert(
    fc.property(anyBytes, (given) => {
      const bytes = Uint8Array.from(given);
      assert.equal(holds(Buffer.from(bytes).toString('latin1')), fails(bytes));
    }),
    fuzzRun(t, 3_000),
  );
  const faulty = [
    '\xc0\x80',
    '\xc1\xbf',
    '\xe0\x80\x80',
    '\xed\xa0\x80',
    '\xf4\x90\x80\x80',
    '\xf5\x80\x80\x80',
    '\xc3',
    '\x80',
  ];
  for (const text of faulty) assert.equal(holds(text), true, JSON.stringify(text));
  for (const text of ['', 'a\x00', '\xc3\xa9', '\xef\xbf\xbf', '\xf4\x8f\xbf\xbf']) assert.equal(holds(text), false);
});

describe('@validateByteRange', () => {
  test('holds where a byte is outside', (t) => {
    const ranges = fc.array(fc.tuple(fc.nat(255), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(ranges, fc.uint8Array({ maxLength: 6 }), (pairs, bytes) => {
        const sorted = pairs.map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
        const parameter = sorted.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(', ');
        const outside = [...bytes].some((byte) => !sorted.some(([a, b]) => byte >= a && byte <= b));
        assert.equal(compiled('validateByteRange', parameter)(Buffer.from(bytes).toString('latin1')), outside);
      }),
      fuzzRun(t, 1_000),
    );
  });

  test('refuses what is no range', () => {
    for (const parameter of ['256', '1-', '-1', '5-1', 'a', '1,,2', '1-2-3', '1-999']) {
      assert.throws(() => compiled('validateByteRange', parameter), {
        name: 'SecLangReason',
        message: /^@validateByteRange: ".*" is neither a byte/,
      });
    }
  });
});

test('@validateUrlEncoding holds for a percent sign without two digits', (t) => {
  const holds = compiled('validateUrlEncoding', '');
  const parts = fc.array(fc.constantFrom('%', 'a', 'F', '0', 'g', ' ', '\xff', '%41'), { maxLength: 8 });
  fc.assert(
    fc.property(parts, (all) => {
      const text = all.join('');
      assert.equal(holds(text), text.replace(/%[0-9A-Fa-f]{2}/g, '').includes('%'), text);
    }),
    fuzzRun(t, 1_000),
  );
});

describe('numbers with check digits', () => {
  test('cards', (t) => {
    const holds = compiled('verifyCC', '[0-9]{16}');
    // Each change of one digit is seen.
    fc.assert(
      fc.property(fc.nat(15), fc.integer({ min: 1, max: 9 }), (at, by) => {
        const digits = [...'5484605089158216'].map(Number);
        digits[at] = ((digits[at] as number) + by) % 10;
        assert.equal(holds(digits.join('')), false);
      }),
      fuzzRun(t, 200),
    );
    assert.deepEqual(captured('verifyCC', '[0-9]{16}', 'a 5484605089158216 b'), ['5484605089158216']);
    // A digit in front hides nothing.
    assert.equal(holds('15484605089158216'), true);
    assert.equal(compiled('verifyCC', '(?:^|[^\\d])\\d{16}')('15484605089158216'), false);
    assert.equal(compiled('verifyCC', '\\d{4}-\\d{4}-\\d{4}-\\d{4}')('\xff5484-6050-8915-8216\xe9'), true);
    assert.equal(compiled('verifyCC', '\\d+')('1234567890012345 \xe9 5484605089158216'), true);
    assert.equal(compiled('verifyCC', 'a*')('bbb'), false);
    assert.throws(() => compiled('verifyCC', '(?=1)'), { name: 'SecLangReason' });
  });

  test('social security numbers', () => {
    const holds = compiled('verifySSN', '\\d{3}-?\\d{2}-?\\d{4}');
    for (const text of ['219-09-9999', '574578065', 'a574578065b', '1574578065', '733121234'])
      assert.equal(holds(text), true);
    const wrong = [
      '000121234',
      '111111111',
      '123456789',
      '012345678',
      '666121234',
      '574008065',
      '574570000',
      '740121234',
      '57457806',
    ];
    for (const text of wrong) assert.equal(holds(text), false, text);
  });

  test('Brazil, Austria, Chile', () => {
    const cpf = compiled('verifyCPF', '[0-9.-]+');
    for (const text of ['010.817.514-60', '01081751460', 'x 010.817.514-60']) assert.equal(cpf(text), true, text);
    for (const text of ['010.817.514-61', '010.817.514-70', '111.111.111-11', '0108175146'])
      assert.equal(cpf(text), false, text);
    const svnr = compiled('verifySVNR', '\\d{4} ?\\d{6}');
    for (const text of ['1237010180', '1237 010180']) assert.equal(svnr(text), true, text);
    for (const text of ['1238010180', '1237010181', '0237010180', '1111111111']) assert.equal(svnr(text), false, text);
    const rut = compiled('validateNid', 'cl [0-9.]+-[0-9kK]');
    for (const text of ['11.111.111-1', '12.345.678-5', '1.000.005-K', '1.000.005-k'])
      assert.equal(rut(text), true, text);
    for (const text of ['11.111.111-0', '12.345.678-K', '111-1']) assert.equal(rut(text), false, text);
    assert.throws(() => compiled('validateNid', 'xx .*'), {
      message: /begins with a country, cl or us, then a pattern/,
    });
  });

  test('numbers without end take time in proportion to the value', () => {
    for (const pattern of ['\\d{13,16}', '\\d+']) {
      const holds = compiled('verifySSN', pattern);
      const cpuOf = (length: number): number => {
        const start = process.cpuUsage();
        holds('1'.repeat(length));
        const { user } = process.cpuUsage(start);
        return user;
      };
      cpuOf(5_000);
      const [small, large] = [Math.min(cpuOf(5_000), cpuOf(5_000)), cpuOf(50_000)];
      assert.ok(large <= 40 * small + 20_000, `${pattern}: ${small} us, then ${large} us`);
    }
  });
});

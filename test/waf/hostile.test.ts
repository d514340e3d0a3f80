import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TRANSFORMATION_NAMES } from '../../src/waf/transformations.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { type Asked, ask, form } from '../support/inspections.ts';
import { engineOf } from '../support/rule-sets.ts';

const EVERYTHING =
  'ARGS|ARGS_NAMES|REQUEST_HEADERS|REQUEST_COOKIES|REQUEST_URI|REQUEST_BODY|FILES|FILES_TMP_CONTENT|XML:/*|XML://@*|MULTIPART_PART_HEADERS|REMOTE_USER|SERVER_NAME|FULL_REQUEST';
const OPERATORS = [
  '@rx (?i)a(.)',
  '@pm a b',
  '@detectXSS',
  '@validateUtf8Encoding',
  '!@within abc',
  '@verifyCC \\d{13,16}',
];

/** Every transformation, and every kind of operator, over everything that a request sends. */
const RULES = [
  'SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"',
  ...['JSON', 'XML', 'MULTIPART', 'RAW'].map(
    (processor, index) =>
      `SecRule ARGS_GET:as "@streq ${processor}" "id:${index + 2},phase:1,pass,nolog,ctl:requestBodyProcessor=${processor}"`,
  ),
  ...TRANSFORMATION_NAMES.map((name, index) => {
    const operator = OPERATORS[index % OPERATORS.length];
    const rest = "msg:'%{MATCHED_VAR_NAME}',setvar:tx.%{MATCHED_VAR_NAME}=%{MATCHED_VAR}";
    return `SecRule ${EVERYTHING} "${operator}" "id:${100 + index},phase:2,pass,log,capture,multiMatch,t:${name},t:lowercase,${rest}"`;
  }),
  'SecRule TX:/a/ "@unconditionalMatch" "id:900,phase:2,pass,log,chain"',
  'SecRule MATCHED_VARS|MATCHED_VARS_NAMES "@rx ." "t:none"',
].join('\n');

const bytes = fc.uint8Array({ maxLength: 60 }).map((list) => Buffer.from(list).toString('latin1'));
const nasty = fc.oneof(
  bytes,
  fc.constantFrom('%', '%u', '&#x', '/*', '{"a":[', '<a b="', '--b\r\n', '\\x', "'", '=', '&', ';'),
);
const text = fc.array(nasty, { maxLength: 6 }).map((pieces) => pieces.join(''));

test('no bytes of a request make the engine fail', (t) => {
  const engine = engineOf(RULES);
  let matches = 0;
  fc.assert(
    fc.property(
      text,
      fc.constantFrom('', 'JSON', 'XML', 'MULTIPART', 'RAW'),
      fc.array(fc.tuple(text, text), { maxLength: 4 }),
      text,
      (query, processor, fields, body) => {
        const asked: Asked = {
          method: 'POST',
          target: `/${query}?as=${processor}&${query}`,
          fields: ['Content-Type', 'multipart/form-data; boundary=b', 'Cookie', query, ...fields.flat()],
          body,
        };
        const { outcomes, lines } = ask(engine, asked);
        assert.deepEqual(
          outcomes.map(({ kind }) => kind),
          ['pass', 'pass', 'pass', 'pass', 'pass'],
        );
        matches += lines.length;
      },
    ),
    fuzzRun(t, 150),
  );
  assert.ok(matches > 1_000, `${matches} matches`);
});

test('twice the arguments that hold cost about twice as much', () => {
  const engine = engineOf(`SecArgumentsLimit 100000
SecRule ARGS "@rx ." "id:1,phase:2,pass,log,capture,setvar:tx.n=+1,setvar:tx.of_%{MATCHED_VAR_NAME}=+1,chain"
SecRule MATCHED_VARS "@rx ." "t:none,t:lowercase"
SecRule TX:/^of_/ "@gt 0" "id:2,phase:2,pass,log"`);
  const cost = (count: number): number => {
    const asked = form(Array.from({ length: count }, (_, index) => `a${index}=v${index}`).join('&'));
    const times = [1, 2, 3].map(() => {
      const before = process.cpuUsage();
      assert.deepEqual(ask(engine, asked).lines, ['1', '2']);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    });
    return Math.min(...times);
  };
  const small = cost(5_000);
  const large = cost(20_000);
  // Four times as many: sixteen times the cost would be quadratic.
  assert.ok(large < 9 * small, `${small} us, ${large} us`);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DIRECTIVES, directiveName } from '../../../src/waf/seclang/directives.ts';
import { directiveTable } from './directive-table.ts';
import { loaded } from './texts.ts';

// dist/test/waf/seclang -> project
const document = readFileSync(fileURLToPath(new URL('../../../../docs/seclang.md', import.meta.url)), 'utf8');

test('docs/seclang.md has the table of directives as it is', () => {
  assert.ok(document.includes(`\n${directiveTable(DIRECTIVES)}\n\n`), 'write it anew from directiveTable(DIRECTIVES)');
});

test('which fires', () => {
  const { SecRule, ...rest } = DIRECTIVES;
  assert.ok(SecRule !== undefined && !document.includes(`\n${directiveTable(rest)}\n\n`));
});

test('a directive is found in any case', () => {
  for (const name of Object.keys(DIRECTIVES)) {
    assert.equal(directiveName(name.toUpperCase()), name);
    assert.equal(directiveName(`${name}X`), null);
  }
  assert.equal(directiveName('constructor'), null);
});

describe('every directive of the table', () => {
  // Of the kinds that directives take: a value that each accepts.
  const samples = [
    'On',
    'Off',
    '0',
    '7',
    'Reject',
    'JSON',
    'Serial',
    'ABZ',
    '0600',
    'text/html',
    '&',
    ';',
    'Abort',
    '',
  ];
  const accepted = (name: string): string[] =>
    samples.filter((value) => loaded(value === '' ? name : `${name} "${value}"`).faults.length === 0);

  for (const [name, row] of Object.entries(DIRECTIVES)) {
    if (row.as === 'rule') continue;
    test(name, () => {
      const values = accepted(name);
      if (row.as === 'refused') {
        assert.deepEqual(values.toSorted(), row.harmless.toSorted());
        assert.match(loaded(`${name} Yes`).faults.join(), new RegExp(`^a\\.conf:1: ${name} is not supported: `));
      } else {
        assert.ok(values.length > 0, 'no sample fits');
        const many = `${name} ${'\x01 '.repeat(9)}`;
        assert.match(loaded(many).faults.join(), new RegExp(`^a\\.conf:1: ${name} takes `));
      }
    });
  }
});

test('the settings that ModSecurity recommends are read', () => {
  const { program, rules, faults } = loaded(String.raw`
SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" \
     "id:'200000',phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 131072
SecRequestBodyLimitAction Reject
SecRequestBodyJsonDepthLimit 512
SecArgumentsLimit 1000
SecRule REQBODY_ERROR "!@eq 0" "id:'200002', phase:2,t:none,log,deny,status:400,msg:'Failed.',severity:2"
SecPcreMatchLimit 1000
SecPcreMatchLimitRecursion 1000
SecRule TX:/^MSC_/ "!@streq 0" "id:'200005',phase:2,t:none,deny,msg:'Internal error: %{MATCHED_VAR_NAME}'"
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml
SecResponseBodyLimit 524288
SecResponseBodyLimitAction ProcessPartial
SecTmpDir /tmp/
SecDataDir /tmp/
SecAuditEngine RelevantOnly
SecAuditLogRelevantStatus "^(?:5|4(?!04))"
SecAuditLogParts ABIJDEFHZ
SecAuditLogType Serial
SecAuditLog /var/log/modsec_audit.log
SecArgumentSeparator &
SecCookieFormat 0
SecUnicodeMapFile unicode.mapping 20127
SecStatusEngine Off
`);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    rules.map(({ id }) => id),
    [200000, 200002, 200005],
  );
  assert.equal(program.settings.size, 24);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseActions } from '../../../src/waf/seclang/actions.ts';
import { parseOperator } from '../../../src/waf/seclang/operator.ts';
import type { Selector, VariablePart } from '../../../src/waf/seclang/syntax.ts';
import { parseVariables } from '../../../src/waf/seclang/variables.ts';

const take = (name: string, selector: Selector | null = null): VariablePart => ({ mode: 'take', name, selector });
const exclude = (name: string, selector: Selector | null = null): VariablePart => ({ mode: 'exclude', name, selector });
const count = (name: string, selector: Selector | null = null): VariablePart => ({ mode: 'count', name, selector });
const key = (text: string): Selector => ({ kind: 'name', text });
const pattern = (source: string): Selector => ({ kind: 'pattern', source });

describe('variables', () => {
  const table: readonly (readonly [text: string, ...parts: VariablePart[]])[] = [
    ['ARGS', take('ARGS')],
    ['args|Request_Headers:User-Agent', take('ARGS'), take('REQUEST_HEADERS', key('User-Agent'))],
    [' ARGS | !ARGS:foo |\t& ARGS ', take('ARGS'), exclude('ARGS', key('foo')), count('ARGS')],
    ['&REQUEST_HEADERS:Host', count('REQUEST_HEADERS', key('Host'))],
    ['ARGS:/^id_/|TX', take('ARGS', pattern('^id_')), take('TX')],
    ['ARGS:/a|b/|!ARGS:/c\\/d\\\\/', take('ARGS', pattern('a|b')), exclude('ARGS', pattern('c/d\\\\'))],
    ["TX:'/a|b\\'/'|TX:'c|d'", take('TX', pattern("a|b'")), take('TX', key('c|d'))],
    ["ARGS:'/path'|ARGS:'/'", take('ARGS', key('/path')), take('ARGS', key('/'))],
    ['XML:/*|XML://@*|xml', take('XML', key('/*')), take('XML', key('//@*')), take('XML')],
    ["XML:'/a|/b'", take('XML', key('/a|/b'))],
    ['ARGS:a:b.c d[0]', take('ARGS', key('a:b.c d[0]'))],
    ["ARGS:it's|TX", take('ARGS', key("it's")), take('TX')],
    ['TX:\xff\x00', take('TX', key('\xff\x00'))],
  ];
  for (const [text, ...parts] of table) test(text, () => assert.deepEqual(parseVariables(text), parts));
});

describe('operators', () => {
  const table: readonly (readonly [text: string, negated: boolean, name: string, parameter: string])[] = [
    ['@rx ^a', false, 'rx', '^a'],
    ['!@rx \t ^a ', true, 'rx', '^a '],
    ['^GET$', false, 'rx', '^GET$'],
    ['!^GET$', true, 'rx', '^GET$'],
    [' ! @pm a b', true, 'pm', 'a b'],
    ['@within %{tx.x}', false, 'within', '%{tx.x}'],
    ['@detectSQLi', false, 'detectSQLi', ''],
    ['@rx @foo', false, 'rx', '@foo'],
    ['@rx !@foo', false, 'rx', '!@foo'],
    ['@rx\na', false, 'rx', 'a'],
    ['', false, 'rx', ''],
    ['!', true, 'rx', ''],
    ['a@rx b', false, 'rx', 'a@rx b'],
    ['\xa0', false, 'rx', '\xa0'],
  ];
  for (const [text, negated, name, parameter] of table) {
    test(JSON.stringify(text), () => assert.deepEqual(parseOperator(text), { negated, name, parameter }));
  }
});

describe('actions', () => {
  const table: readonly (readonly [text: string, ...parts: (readonly [name: string, value: string | null])[]])[] = [
    ['deny', ['deny', null]],
    ['id:1, phase:2 ,\tdeny', ['id', '1'], ['phase', '2'], ['deny', null]],
    ["id:'200000',t:none,t:lowercase", ['id', '200000'], ['t', 'none'], ['t', 'lowercase']],
    ["msg:'a, b: c',deny", ['msg', 'a, b: c'], ['deny', null]],
    ["msg:'it\\'s',deny", ['msg', "it's"], ['deny', null]],
    ["msg:'a\\\\',deny", ['msg', 'a\\\\'], ['deny', null]],
    ["msg:''", ['msg', '']],
    ["msg : ' a '", ['msg', ' a ']],
    ['msg:two words ,deny', ['msg', 'two words'], ['deny', null]],
    ["setvar:'tx.a=+%{tx.b}'", ['setvar', 'tx.a=+%{tx.b}']],
    ["setvar:tx.a='b, c',deny", ['setvar', "tx.a='b, c'"], ['deny', null]],
    ['setvar:!tx.a', ['setvar', '!tx.a']],
    ['ctl:ruleRemoveTargetById=1;ARGS:x', ['ctl', 'ruleRemoveTargetById=1;ARGS:x']],
    ["ctl:'ruleRemoveTargetById=1;ARGS:/^\\d+,\\w\\\\$/'", ['ctl', 'ruleRemoveTargetById=1;ARGS:/^\\d+,\\w\\\\$/']],
    ['ctl:ruleRemoveTargetById=1;ARGS:/a\\,b/', ['ctl', 'ruleRemoveTargetById=1;ARGS:/a\\,b/']],
    ['redirect:http://a:80/b?c=d', ['redirect', 'http://a:80/b?c=d']],
    ['skipAfter:END', ['skipAfter', 'END']],
    ['msg:"a"', ['msg', '"a"']],
  ];
  for (const [text, ...parts] of table) {
    const wanted = parts.map(([name, value]) => ({ name, value }));
    test(text, () => assert.deepEqual(parseActions(text), wanted));
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { detectXss } from '../../../src/waf/operators/detect-xss.ts';
import { InspectedValue } from '../../../src/waf/value.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';

const noData = {
  readData: (path: string) => assert.fail(`reads ${path}`),
};
const holds = detectXss.compile('', noData);
const vectors = sharedMaterial('seclang-vectors/operators/detectXSS.json');

test('the vectors of ModSecurity: 3 cases', { skip: vectors === null && NO_MATERIAL }, () => {
  const cases = JSON.parse(readFileSync(vectors as string, 'utf8')) as { input: string; ret: number }[];
  assert.equal(cases.length, 3);
  for (const { input, ret } of cases) assert.equal(holds(new InspectedValue(input), null), ret === 1, input);
});

test('what is captured is the whole value', () => {
  const captured: [number, string][] = [];
  const captures = { set: (index: number, text: string) => void captured.push([index, text]) };
  assert.ok(!holds(new InspectedValue('a < b'), captures));
  assert.deepEqual(captured, []);
  assert.ok(holds(new InspectedValue('a <script>'), captures));
  assert.deepEqual(captured, [[0, 'a <script>']]);
});

test('a parameter is ignored', () => {
  assert.equal(detectXss.name, 'detectXSS');
  assert.ok(detectXss.compile('anything', noData)(new InspectedValue('<script>'), null));
});

test('the values that rules 941100 and 941101 of CRS are tested with', () => {
  const attacks = [
    '<script xmlns="http://www.w3.org/1999/xhtml">setTimeout("top.frame2.location="javascript:(function () {',
    '<x:script xmlns:x="http://www.w3.org/1999/xhtml" src="data:,alert(1)" />',
    '<xss onbeforehellfreezes=aler%77(1)>',
    'www.github.com<script><img><iframe>',
    '/get/"onmouseover=\'prompt(document.cookie)\'"',
  ];
  for (const text of attacks) assert.ok(holds(new InspectedValue(text), null), text);
  assert.ok(!holds(new InspectedValue('http://www.coreruleset.org'), null));
});

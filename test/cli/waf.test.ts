import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { checkRules } from '../../src/cli/check-rules.ts';
import { testRequest } from '../../src/cli/waf-test.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type AskedRequest, requestOfArchive, requestOfBytes, requestOfFlags } from '../../src/tuning/asked-request.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-waf-test-'));
after(() => rmSync(folder, { recursive: true }));

const RULES = `
SecRule ARGS "@contains bad" "id:10,phase:2,pass,log,t:lowercase,msg:'bad words',logdata:'%{MATCHED_VAR}',tag:'t/a',\\
  setvar:'tx.inbound_anomaly_score=+5'"
SecRule TX:inbound_anomaly_score "@ge 5" "id:11,phase:2,deny,status:409,log,msg:'too much'"
SecRule REQUEST_HEADERS:X-Away "@streq 1" "id:12,phase:1,redirect:https://example.com/,log"
`;
const CONFIG = `
waf: { baseline: off, rules: [rules.conf], requestBodyBytesMax: 100 }
upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }
routes:
  - { name: all, upstream: api }
  - { name: off, upstream: api, hosts: [off.test], policies: { waf: { mode: off } } }
  - { name: watched, upstream: api, hosts: [watched.test], policies: { waf: { mode: detect } } }
`;
writeFileSync(join(folder, 'rules.conf'), RULES);
writeFileSync(join(folder, 'gateway.yaml'), CONFIG);
const { config } = loadConfig({ file: 'gateway.yaml', env: {}, cwd: folder });

const flags = (url: string, more: object = {}): AskedRequest => requestOfFlags({ url, header: [], ...more });

function explained(request: AskedRequest, route?: string): { code: number; text: string } {
  let text = '';
  const code = testRequest(config, { request, route, client: '192.0.2.1' }, (piece) => {
    text += piece;
  });
  return { code, text: text.replaceAll(folder, '<folder>') };
}

describe('what it says', () => {
  test('every rule that held, why, scores and the verdict', () => {
    const { code, text } = explained(flags('http://a.test/x?q=BAD%20word'));
    assert.equal(code, 1);
    assert.equal(
      text,
      `GET "/x?q=BAD%20word"  route all, mode block
rule 10  phase 2  "bad words"
    <folder>/rules.conf:2
    "@contains bad" on ARGS:q: "BAD word"
    seen as "bad word"
    "bad word"
    tags: t/a
rule 11  phase 2  "too much"  (ends the request)
    <folder>/rules.conf:4
    "@ge 5" on TX:inbound_anomaly_score: "5"
scores: inbound_anomaly_score 5
blocked by rule 11: 409
`,
    );
  });

  test('a request that goes on, and one that is watched only', () => {
    assert.match(explained(flags('/?q=good')).text, /\npasses\n$/);
    assert.equal(explained(flags('/?q=good')).code, 0);
    const watched = explained(flags('http://watched.test/?q=bad'));
    assert.deepEqual([watched.code, watched.text.split('\n').at(-2)], [0, 'passes: rule 11 would block in mode block']);
    assert.match(explained(flags('http://off.test/?q=bad')).text, /the firewall is off/);
    assert.equal(explained(flags('http://off.test/?q=bad'), 'all').code, 1);
  });

  test('a redirect, and bodies', () => {
    assert.match(explained(flags('/', { header: ['X-Away: 1'] })).text, /302 to https:\/\/example\.com\/\n$/);
    assert.match(explained(flags('/', { data: 'a=bad' })).text, /ARGS:a/);
    const json = flags('/', { data: '{"a":{"b":"bad"}}', header: ['Content-Type: application/json'] });
    assert.equal(explained(json).code, 1);
    assert.match(explained(flags('/', { data: 'x'.repeat(101) })).text, /refused with 413/);
  });

  test('nothing that a terminal would obey', () => {
    const { text } = explained(flags('/?q=bad%1b[2J%0a'));
    assert.match(text, /bad\\u001b\[2J/);
  });

  test('no route, or no such one', () => {
    assert.throws(() => explained(flags('/'), 'al'), /no route "al"; there are all, off, watched/);
  });
});

describe('requests', () => {
  test('from flags', () => {
    const asked = flags('http://a.test:81/x/../y?z#f', { data: 'a=1', header: ['X-A:  b '] });
    assert.deepEqual([asked.method, asked.target, asked.body.toString()], ['POST', '/x/../y?z', 'a=1']);
    assert.deepEqual(asked.fields.slice(0, 4), ['Host', 'a.test:81', 'X-A', 'b']);
    assert.ok(asked.fields.includes('application/x-www-form-urlencoded'));
    assert.throws(() => flags('/', { header: ['none'] }), /is not a field/);
  });

  test('from bytes', () => {
    const bytes = Buffer.from('PUT /a?b=\xe9 HTTP/1.1\r\nHost: x\r\nX-A: \xff\r\n\r\nbody\r\n\r\nmore', 'latin1');
    const asked = requestOfBytes(bytes);
    assert.deepEqual([asked.method, asked.target], ['PUT', '/a?b=\xe9']);
    assert.deepEqual(asked.fields, ['Host', 'x', 'X-A', '\xff']);
    assert.equal(asked.body.toString(), 'body\r\n\r\nmore');
    const chunked = requestOfBytes(
      Buffer.from('POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n'),
    );
    assert.equal(chunked.body.toString(), 'abcde');
    assert.throws(() => requestOfBytes(Buffer.from('')), /request line/);
  });

  test('from an archive', () => {
    const request = {
      method: 'POST',
      url: 'https://a.test/x?y=1',
      headers: [
        { name: ':authority', value: 'a.test' },
        { name: 'content-type', value: 'text/plain' },
      ],
      postData: { text: 'é' },
    };
    const text = JSON.stringify({ log: { entries: [{}, { request }] } });
    const asked = requestOfArchive(text, 1);
    assert.deepEqual([asked.method, asked.target, asked.body.toString()], ['POST', '/x?y=1', 'é']);
    assert.deepEqual(asked.fields, ['host', 'a.test', 'content-type', 'text/plain']);
    assert.throws(() => requestOfArchive(text, 0), /no request 0; it has 2 from 0/);
    assert.throws(() => requestOfArchive('{', 0), /not JSON/);
  });
});

test('sallyport check reads the rules, too', () => {
  const said: string[] = [];
  const check = (): number => checkRules('gateway.yaml', {}, (text) => void said.push(text), folder);
  assert.equal(check(), 0);
  assert.match(said.join(''), /rules of 2 files/);
  writeFileSync(join(folder, 'rules.conf'), 'SecRule ARGS "@nothing" "id:1,phase:2,deny"\n');
  assert.equal(check(), 1);
  assert.match(said.at(-1) ?? '', /rules\.conf:1.*@nothing/);
  writeFileSync(join(folder, 'rules.conf'), RULES);
  const refused = (config: string): string => {
    writeFileSync(join(folder, 'other.yaml'), config);
    assert.equal(
      checkRules('other.yaml', {}, (text) => void said.push(text), folder),
      1,
    );
    return said.at(-1) ?? '';
  };
  assert.match(refused(CONFIG.replace('[rules.conf]', '[none*.conf]')), /waf\.rules: no file is named .*none\*\.conf/);
  for (const [target, message] of [
    ['ARGS:/(/', /without\.targets: "\(" is not a regular expression/],
    ['BOGUS:x', /without\.targets: BOGUS is not a variable\n/],
  ] as const) {
    const policies = `policies: { waf: { without: { targets: [{ target: "${target}" }] } } }`;
    assert.match(refused(CONFIG.replace('name: all,', `name: all, ${policies},`)), message);
  }
  const ids = 'policies: { waf: { without: { ids: ["9999999999"] } } }';
  assert.match(refused(CONFIG.replace('name: all,', `name: all, ${ids},`)), /waf\.without\.ids: /);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openRuleSet, type RuleEngine, type RuleEntries } from '../../src/waf/engine.ts';
import type { Inspection, PhaseOutcome, RequestFacts, WafMode } from '../../src/waf/inspection.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { BASELINE, filesWith, localCollections, PROFILE, WAF_DEFAULTS, wafServices } from '../support/rule-sets.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';
import { factsOf } from '../support/waf.ts';

interface Asked {
  readonly facts: RequestFacts;
  readonly body: string;
  readonly isPartial: boolean;
  readonly status: number;
  readonly answer: string;
}

/** What phase 2 runs on: this thread, or another one to which everything is copied. */
type Second = (inspection: Inspection, asked: Asked) => PhaseOutcome;

const inline: Second = (inspection, { body, isPartial }) => inspection.requestBody(body, isPartial);

const away =
  (engine: RuleEngine): Second =>
  (inspection, { facts, body, isPartial }) => {
    const other = engine.resume(structuredClone(facts), structuredClone(inspection.snapshot()));
    const outcome = structuredClone(other.requestBody(body, isPartial));
    inspection.adoptRequestBody(body, isPartial, structuredClone(other.snapshot()));
    return outcome;
  };

/** Everything that can be seen of one request, from phase 1 to 5. */
function wayOf(engine: RuleEngine, asked: Asked, second: Second): unknown[] {
  const inspection = engine.begin(asked.facts);
  const seen: unknown[] = [];
  const look = (outcome: PhaseOutcome): void => {
    assert.notEqual(outcome.kind, 'failed', JSON.stringify(outcome));
    const { wantsRequestBody, wantsResponseBody, wantsAudit, auditParts } = inspection;
    seen.push(outcome, wantsRequestBody, wantsResponseBody, wantsAudit, auditParts, inspection.snapshot());
  };
  look(inspection.requestHeaders());
  look(second(inspection, asked));
  look(inspection.responseHeaders(asked.status, ['content-type', 'text/html', 'x-a', asked.answer]));
  look(inspection.responseBody(asked.answer, asked.isPartial));
  look(inspection.logging());
  return seen;
}

/** Two engines over one text, with collections that both open: as two threads have them. */
function twoEngines(texts: Readonly<Record<string, string>>, entries: RuleEntries, mode: WafMode): RuleEngine[] {
  const services = { ...wafServices(), collections: localCollections() };
  return [0, 1].map(() => {
    const rules = openRuleSet(filesWith(texts), entries, WAF_DEFAULTS, services);
    return rules.compile({ ...PROFILE, mode }) as RuleEngine;
  });
}

/** Whatever of it a test takes: each leaves something that others read, on both sides of phase 2. */
const RULES = [
  'SecRule ARGS "@rx (a+)(b*)" "phase:1,capture,pass,log,auditlog,setvar:tx.first=%{TX.1},severity:WARNING"',
  'SecRule ARGS "@rx (b+)(c*)" "phase:2,capture,pass,log,setvar:tx.Second=%{TX.1},setvar:tx.n=+3,severity:CRITICAL"',
  'SecRule TX:1 "@rx ." "phase:3,pass,log,msg:\'captured %{TX.1} %{TX.first}\'"',
  'SecRule MATCHED_VARS "@rx b" "phase:3,pass,log,msg:\'%{MATCHED_VAR_NAME}\'"',
  'SecRule MATCHED_VARS_NAMES "@rx ." "phase:2,pass,log,logdata:\'%{MATCHED_VAR}\'"',
  'SecRule ARGS_NAMES|REQUEST_BODY "@contains c" "phase:4,pass,log,auditlog,setvar:tx.late=%{MATCHED_VAR}"',
  'SecRule ARGS|FILES|MULTIPART_STRICT_ERROR "@rx ." "phase:5,pass,log,msg:\'%{REQBODY_PROCESSOR} %{HIGHEST_SEVERITY}\'"',
  'SecAction "phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.count=+1"',
  'SecAction "phase:2,pass,nolog,initcol:global=all,setvar:global.count=+1,setvar:ip.count=+10"',
  'SecAction "phase:2,pass,nolog,setsid:%{ARGS.s},setvar:session.n=+1,setuid:%{REQUEST_METHOD}"',
  'SecRule IP:COUNT|GLOBAL:COUNT|SESSION:N|USERID|SESSIONID "@rx ." "phase:5,pass,log,logdata:\'%{MATCHED_VAR}\'"',
  'SecAction "phase:1,pass,nolog,setenv:One=%{ARGS.a},setvar:tx.gone=1"',
  'SecAction "phase:2,pass,nolog,setenv:!one,setenv:two=%{ENV.one},setvar:!tx.gone"',
  'SecRule ENV:one|ENV:two|&TX "@rx ." "phase:3,pass,log,logdata:\'%{MATCHED_VAR}\'"',
  'SecRule ARGS "@contains a" "phase:1,pass,nolog,ctl:ruleRemoveById=101-103"',
  'SecRule ARGS "@contains b" "phase:2,pass,nolog,ctl:ruleRemoveByTag=late,ctl:ruleRemoveTargetById=100-140;ARGS:a"',
  'SecRule ARGS "@contains c" "phase:2,pass,nolog,ctl:ruleRemoveTargetByTag=late;ARGS:/^[ab]$/,ctl:ruleRemoveByMsg=told"',
  'SecRule ARGS "@rx ." "phase:4,pass,log,tag:late"',
  'SecAction "phase:3,pass,log,msg:\'told\'"',
  'SecAction "phase:1,pass,nolog,ctl:requestBodyProcessor=URLENCODED"',
  'SecAction "phase:2,pass,nolog,ctl:requestBodyProcessor=JSON"',
  'SecRule REQUEST_HEADERS:Content-Type "@contains json" "phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"',
  'SecRule ARGS "@contains aa" "phase:2,pass,nolog,ctl:requestBodyAccess=Off,ctl:responseBodyAccess=On"',
  'SecRule ARGS "@contains bb" "phase:1,pass,nolog,ctl:requestBodyAccess=Off,ctl:forceRequestBodyVariable=On"',
  'SecRule ARGS "@contains cc" "phase:2,pass,nolog,ctl:auditEngine=On,ctl:auditLogParts=+E"',
  'SecRule ARGS "@contains ab" "phase:2,pass,nolog,ctl:ruleEngine=DetectionOnly"',
  'SecRule ARGS "@contains bc" "phase:2,pass,nolog,ctl:ruleEngine=Off"',
  'SecRule ARGS:allow "@streq a" "phase:2,allow,log"',
  'SecRule ARGS:allow "@streq b" "phase:1,allow:request,log"',
  'SecRule ARGS "@contains cab" "phase:2,deny,status:418,log"',
  'SecRule ARGS "@contains ccc" "phase:2,redirect:https://a.test/%{TX.first},log"',
  'SecRule TX:n "@ge 3" "phase:4,deny,status:451,log"',
  'SecRule RESPONSE_BODY|RESPONSE_HEADERS "@contains a" "phase:4,deny,log,auditlog"',
  'SecRule INBOUND_DATA_ERROR "@eq 1" "phase:2,pass,log,auditlog"',
] as const;

const HEAD = 'SecRequestBodyAccess On\nSecResponseBodyAccess On\nSecAuditEngine RelevantOnly\n';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'aa', '\xe9'), maxLength: 6 });
const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 's', 'allow', 'x'), word), { maxLength: 6 });
const form = (list: readonly (readonly [string, string])[]): string => list.map((pair) => pair.join('=')).join('&');

const bodies = fc.oneof(
  fc.record({ type: fc.constant('application/x-www-form-urlencoded'), body: pairs.map(form) }),
  fc.record({
    type: fc.constant('application/json'),
    body: pairs.map((list) => Buffer.from(JSON.stringify(Object.fromEntries(list))).toString('latin1')),
  }),
  fc.record({ type: fc.constant('text/plain'), body: word }),
  fc.record({
    type: fc.constant('multipart/form-data; boundary=x'),
    body: word.map((text) => `--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n${text}\r\n--x--\r\n`),
  }),
);

const requests = fc
  .record({ query: pairs.map(form), sent: bodies, isPartial: fc.boolean(), answer: word, late: fc.boolean() })
  .map(({ query, sent, isPartial, answer, late }) => ({
    facts: factsOf({ method: 'POST', target: `/a?${query}`, fields: ['Host', 'a.test', 'Content-Type', sent.type] }),
    body: sent.body,
    isPartial,
    status: late ? 404 : 200,
    answer,
  }));

describe('a request whose phase 2 runs on another thread', () => {
  test('comes to the same as one that stays, whatever rules do', (t) => {
    const rules = fc.shuffledSubarray([...RULES], { minLength: 6 });
    const runs = fuzzRun(t, 120);
    fc.assert(
      fc.property(
        rules,
        fc.constantFrom<WafMode>('block', 'detect'),
        fc.array(requests, { minLength: 1, maxLength: 4 }),
        (chosen, mode, list) => {
          const lines = chosen.map((rule, at) => rule.replace('"phase:', `"id:${100 + at},phase:`));
          const texts = { '/rules.conf': HEAD + lines.join('\n') };
          const entries = { setup: [], rules: ['/rules.conf'] };
          const [stays] = twoEngines(texts, entries, mode) as [RuleEngine];
          const [goes, other] = twoEngines(texts, entries, mode) as [RuleEngine, RuleEngine];
          for (const asked of list) {
            assert.deepEqual(wayOf(goes, asked, away(other)), wayOf(stays, asked, inline));
          }
        },
      ),
      { ...runs, endOnFailure: true },
    );
  });

  test('nothing is lost that a later phase reads, each rule by itself', () => {
    const asked: Asked = {
      facts: factsOf({
        method: 'POST',
        target: '/?a=aab&allow=x',
        fields: ['Content-Type', 'application/x-www-form-urlencoded'],
      }),
      body: 'a=abbcc&b=aabbcc&s=one',
      isPartial: true,
      status: 200,
      answer: 'b',
    };
    const text = HEAD + RULES.map((rule, at) => rule.replace('"phase:', `"id:${100 + at},phase:`)).join('\n');
    const entries = { setup: [], rules: ['/rules.conf'] };
    const [stays] = twoEngines({ '/rules.conf': text }, entries, 'block') as [RuleEngine];
    const [goes, other] = twoEngines({ '/rules.conf': text }, entries, 'block') as [RuleEngine, RuleEngine];
    const expected = wayOf(stays, asked, inline);
    assert.deepEqual(wayOf(goes, asked, away(other)), expected);
    // What went there and came back is not what it was before: the comparison above compares something.
    assert.notDeepEqual(expected[5], expected[11]);
  });

  test('matches are given once', () => {
    const text = `${HEAD}SecAction "id:1,phase:1,pass,log"\nSecAction "id:2,phase:2,pass,log"\n`;
    const [goes, other] = twoEngines({ '/r.conf': text }, { setup: [], rules: ['/r.conf'] }, 'block') as RuleEngine[];
    const inspection = (goes as RuleEngine).begin(factsOf());
    inspection.requestHeaders();
    away(other as RuleEngine)(inspection, { facts: factsOf(), body: 'x', isPartial: false, status: 200, answer: '' });
    assert.deepEqual(
      inspection.matches.map(({ ruleId }) => ruleId),
      [1, 2],
    );
  });
});

const crs = sharedMaterial('crs');

describe('the Core Rule Set', { skip: crs === null ? NO_MATERIAL : false }, () => {
  const pieces = [
    "1' UNION SELECT password FROM users-- -",
    '<script>alert(1)</script>',
    '/etc/passwd',
    '; cat /etc/passwd',
    'Ring twice, please.',
    'blue shoes',
    '$\u007bjndi:ldap://a.test/x}',
    '\xc3\xa9t\xc3\xa9',
  ];
  const value = fc.array(fc.constantFrom(...pieces), { maxLength: 3 }).map((list) => list.join(' '));
  const members = fc.dictionary(fc.constantFrom('id', 'note', 'q', '__proto__'), value, { maxKeys: 4 });
  const sent = fc.oneof(
    members.map((all) => ({ type: 'application/json', body: JSON.stringify(all) })),
    members.map((all) => ({
      type: 'application/x-www-form-urlencoded',
      body: Object.entries(all)
        .map(([name, text]) => `${name}=${Buffer.from(text, 'latin1').toString('hex').replace(/../g, '%$&')}`)
        .join('&'),
    })),
    members.map((all) => ({ type: 'text/xml', body: `<a>${Object.values(all).join('</a><a>')}</a>` })),
  );
  const asks = fc.record({ sent, answer: value, block: fc.boolean() });

  test('finds the same', (t) => {
    const folder = crs as string;
    const entries = { setup: [BASELINE, `${folder}/crs-setup.conf.example`], rules: [`${folder}/rules/*.conf`] };
    const [here, there] = twoEngines({}, entries, 'block') as [RuleEngine, RuleEngine];
    let held = 0;
    const fields = ['Host', 'a.test', 'User-Agent', 'Mozilla/5.0', 'Accept', '*/*', 'Content-Length', '9'];
    fc.assert(
      fc.property(asks, ({ sent: { type, body }, answer }) => {
        const facts = factsOf({ method: 'POST', target: '/orders?page=2', fields: [...fields, 'Content-Type', type] });
        const asked: Asked = { facts, body, isPartial: false, status: 200, answer };
        const stays = wayOf(here, asked, inline);
        assert.deepEqual(wayOf(here, asked, away(there)), stays);
        if ((stays[6] as PhaseOutcome).kind === 'interrupt') held += 1;
      }),
      { ...fuzzRun(t, 60), endOnFailure: true },
    );
    assert.ok(held > 5, `only ${held} were blocked`);
  });
});

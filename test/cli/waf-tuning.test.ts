import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { main } from '../../src/cli/main.ts';
import { runExclude } from '../../src/cli/waf-exclude.ts';
import { runReplay } from '../../src/cli/waf-replay.ts';
import { runTune } from '../../src/cli/waf-tune.ts';
import { Folder, SCORING } from '../tuning/support.ts';

const folder = new Folder();
folder.config(SCORING, '[{ name: all, upstream: api }]');
folder.config(`${SCORING}SecRule ARGS "@contains fresh" "id:40,phase:2,deny,log,auditlog"`, undefined, '', 'new.yaml');

/** What a terminal would obey: cursor and colours, C1 controls, lines of its own, text that runs backwards. */
const HOSTILE = '\u001b[2J\u009b31m\r\nFORGED \u202e\u0007';

const log = folder.file(
  'requests.jsonl',
  `${[
    { id: 'one', url: '/x?a=bad' },
    { id: `two${HOSTILE}`, url: `/x?b${encodeURIComponent(HOSTILE)}=bad`, method: `GET${HOSTILE}` },
    { id: 'three', url: `/x?c=fresh&d=${HOSTILE}` },
    { id: 'four', url: '/x?a=worse&b=odd' },
  ]
    .map(
      (line) =>
        `${JSON.stringify(line).replaceAll(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`,
    )
    .join('')}{"half":\n`,
);
const here = { config: 'gateway.yaml', env: {}, cwd: folder.path };

interface Said {
  readonly code: number;
  readonly out: string;
  readonly told: string;
}

function saidBy(run: (out: (text: string) => void, tell: (text: string) => void) => number): Said {
  const outs: string[] = [];
  const tells: string[] = [];
  const code = run(
    (text) => void outs.push(text),
    (text) => void tells.push(text),
  );
  const [out, told] = [outs.join(''), tells.join('')];
  assert.match(out + told, /^[\n -~…]*$/, 'a terminal would obey something of it');
  assert.doesNotMatch(out + told, /^FORGED/m);
  return { code, out, told: told.replaceAll(folder.path, '<folder>') };
}

describe('exclude', () => {
  const excluded = (id: string | undefined, more: object = {}): Said =>
    saidBy((out, tell) => runExclude(log, id, { ...here, rules: [], form: 'yaml', id: 10_000, ...more }, out, tell));

  test('YAML for a configuration, and what there is to say beside it', () => {
    const { code, out, told } = excluded('one');
    assert.equal(code, 0);
    assert.equal(
      out,
      `routes:
  - name: all
    policies:
      waf:
        without:
          targets:
            - target: ARGS:a
              ids: ["10"]
`,
    );
    assert.equal(
      told,
      `passed over: 1 that cannot be read as a record; first at <folder>/requests.jsonl:5
request one  GET "/x?a=bad"  route all
with this it passes: tried
`,
    );
  });

  test('SecLang', () => {
    assert.equal(excluded('one', { form: 'update' }).out, 'SecRuleUpdateTargetById 10 "!ARGS:a"\n');
    const rule = excluded('one', { form: 'ctl' }).out.replaceAll(/\\\n */g, '');
    assert.equal(
      rule,
      'SecRule REQUEST_FILENAME "@streq /x" "id:10000,phase:1,pass,nolog,t:none,ctl:ruleRemoveTargetById=10;ARGS:a"\n',
    );
  });

  test('names and ids that a terminal would obey', () => {
    const { code, out } = excluded(`two${HOSTILE}`);
    assert.equal(code, 0);
    assert.match(out, /target: "ARGS:\/\^b\\\\x1b/);
  });

  test('nothing to leave out, no such entry, a rule that did not hold', () => {
    assert.deepEqual([excluded('three').code, excluded('three').out], [1, '']);
    assert.throws(() => excluded('none'), /no entry of the id none; entries in it: 4/);
    assert.throws(() => excluded(undefined), /has 4 entries: name the id of one/);
    assert.throws(() => excluded('one', { rules: [12] }), /rule 12 did not hold/);
    assert.match(excluded('four', { rules: [12] }).out, /ARGS:b/);
  });
});

describe('tune', () => {
  const tuned = (form: 'text' | 'yaml' | 'json', attacks: readonly string[] = []): Said =>
    saidBy((out) => runTune([log], { ...here, attacks, wholeRules: false, form }, out));

  test('a table, and YAML behind it', () => {
    const { code, out } = tuned('text');
    assert.equal(code, 0);
    assert.match(out, /^4 requests read: 1 pass, 3 false alarms$/m);
    assert.match(out, /^the proposal frees 3 of 3 false alarms$/m);
    assert.match(out, /^all {4}10 ARGS:a {2,}1 {6}0$/m);
    const { routes } = parse(tuned('yaml').out) as {
      routes: { policies: { waf: { without: { targets: object[] } } } }[];
    };
    assert.equal(routes[0]?.policies.waf.without.targets.length, 2);
  });

  test('JSON', () => {
    const found = JSON.parse(tuned('json').out);
    assert.deepEqual([found.read, found.blocked, found.freed, found.passedOver.malformed], [4, 3, 3, 1]);
    assert.deepEqual(found.proposed[0].exclusion.ruleId, 10);
    assert.equal(parse(found.yaml).routes[0].name, 'all');
  });

  test('what lets an attack through is left to a person', () => {
    const attacks = folder.file('attacks.jsonl', '{"id":"the \\u001b attack","url":"/x?a=bad"}\n');
    const { out } = tuned('text', [attacks]);
    assert.match(
      out,
      /not proposed, for a person to decide:\n {2}all {2}10 ARGS:a {2}\(1 request wait for it\) {2}lets/,
    );
    assert.match(out, /lets attacks through: "the \\u001b attack"/);
    assert.doesNotMatch(tuned('yaml', [attacks]).out, /target: ARGS:a\n +ids: \["10/);
  });
});

describe('replay', () => {
  const replayed = (more: object = {}): Said =>
    saidBy((out) =>
      runReplay(
        [log],
        { ...here, config: 'new.yaml', against: 'gateway.yaml', allow: 0, limit: 50, json: false, ...more },
        out,
      ),
    );

  test('what is newly blocked, and an exit code for it', () => {
    const { code, out } = replayed();
    assert.equal(code, 1);
    assert.match(
      out,
      /^newly blocked:\n {2}three {2}GET "\/x\?c=fresh&d=.*" {2}route all\n {4}passes -> blocked; .*; rules \+40$/m,
    );
    assert.match(out, /^rules that newly hold: 40 \(1\)$/m);
    assert.match(out, /^1 newly blocked, 0 newly detected, 0 newly passed$/m);
    assert.equal(replayed({ allow: 1 }).code, 0);
    assert.equal(replayed({ against: 'new.yaml' }).code, 0);
    assert.match(replayed({ limit: 0 }).out, /and 1 more/);
  });

  test('JSON', () => {
    const found = JSON.parse(replayed({ json: true }).out);
    assert.deepEqual([found.read, found.judged, found.newlyBlocked.length, found.rulesMore], [4, 4, 1, { 40: 1 }]);
  });

  test('what the records tell stands where no former rules are named', () => {
    const { code, out } = replayed({ config: 'gateway.yaml', against: undefined });
    assert.equal(code, 1);
    assert.match(out, /^4 requests without a recorded verdict: taken to have passed$/m);
  });
});

test('called wrongly', async (t) => {
  t.mock.method(process.stderr, 'write', () => true);
  for (const argv of [
    ['waf', 'exclude'],
    ['waf', 'exclude', log, '--seclang', 'odd'],
    ['waf', 'tune'],
    ['waf', 'tune', log, '--yaml', '--json'],
    ['waf', 'replay'],
    ['waf', 'replay', log, '--allow', '-1'],
  ]) {
    assert.equal(await main(argv), 2, argv.join(' '));
  }
});

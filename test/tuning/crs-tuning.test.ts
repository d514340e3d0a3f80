import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { exclusionYaml } from '../../src/tuning/exclusion-yaml.ts';
import { Judges } from '../../src/tuning/judges.ts';
import { readRecords, Unread } from '../../src/tuning/read-records.ts';
import { newlyBlocked, newlyPassed, replay } from '../../src/tuning/replay.ts';
import { rulesLooks } from '../../src/tuning/rule-looks.ts';
import { tune } from '../../src/tuning/tune.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';
import { attackTraffic } from './attack-traffic.ts';
import { honestTraffic, type MadeRequest, SITE_ROUTES } from './honest-traffic.ts';
import { writeLog } from './made-log.ts';

const HONEST = 2_000;
const SEED = 20_261_125;

const crs = sharedMaterial('crs/rules') === null ? null : sharedMaterial('crs');
const folder = mkdtempSync(join(tmpdir(), 'sallyport-tuning-'));
after(() => rmSync(folder, { recursive: true }));

function configOf(log: string, routes: string): Config {
  const text = `
waf: { crs: "${crs}", paranoia: 2, audit: { path: "${join(folder, log)}", parts: ABCFHZ } }
upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }
routes:${routes}`;
  return loadConfig({ text, env: {}, cwd: folder }).config;
}

/** The routes of the site with what a proposal leaves out, as an operator would paste it. */
function routesWith(yaml: string): string {
  const proposed = (parse(yaml) as { routes: { name: string; policies: object }[] }).routes;
  const routes = (parse(`routes:${SITE_ROUTES}`) as { routes: { name: string }[] }).routes;
  const merged = routes.map((route) => ({ ...route, ...proposed.find(({ name }) => name === route.name) }));
  return ` ${JSON.stringify(merged)}`;
}

const linesOf = (requests: readonly MadeRequest[]): string =>
  requests
    .map(({ id, method, target, fields, body }) => {
      const headers = fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]]] : []));
      return `${JSON.stringify({ id, method, url: target, headers, ...(body === '' ? {} : { body }) })}\n`;
    })
    .join('');

test('false alarms of CRS at paranoia level 2 are tuned away, and no attack gets through', {
  skip: crs === null && NO_MATERIAL,
}, (t) => {
  const started = process.cpuUsage();
  const honest = honestTraffic(HONEST, SEED);
  const alarms = new Set(writeLog(configOf('honest.log', SITE_ROUTES), honest));
  const attacks = attackTraffic();
  const config = configOf('attacks.log', SITE_ROUTES);
  const blockedAttacks = new Set(writeLog(config, attacks));
  assert.equal(attacks.length, 200);
  t.diagnostic(`${alarms.size} of ${HONEST} honest requests and ${blockedAttacks.size} of 200 attacks are blocked`);
  assert.ok(alarms.size > 100, 'too few false alarms to say anything');

  const judges = Judges.open(config, 'block');
  const unread = new Unread();
  const attackFile = join(folder, 'attacks.jsonl');
  writeFileSync(attackFile, linesOf(attacks));
  const attackList = [...readRecords([attackFile], unread)];
  const proposal = tune(judges, rulesLooks(judges), readRecords([join(folder, 'honest.log')], unread), {
    attacks: { kind: 'requests', records: attackList },
    wholeRules: false,
  });
  const { proposed, turnedDown, unexplained } = proposal;
  const breadths = proposed.map(({ exclusion }) => exclusion.breadth);
  t.diagnostic(`${proposed.length} exclusions free ${proposal.freed} of ${proposal.blocked} by the log`);
  for (const { exclusion, wouldFree, attacks: names } of turnedDown) {
    t.diagnostic(
      `  not ${exclusion.route} ${exclusion.ruleId} ${exclusion.target}: ${wouldFree}, ${names.join(' ')} ${exclusion.why}`,
    );
  }
  assert.deepEqual(unread, new Unread());
  assert.equal(proposal.blocked, alarms.size);
  assert.deepEqual(unexplained, []);
  assert.deepEqual(proposal.attacks, { judged: 200, blocked: blockedAttacks.size, unjudged: 0 });
  assert.equal(breadths.includes('rule'), false, 'whole rules are not asked for');
  assert.ok(breadths.filter((breadth) => breadth === 'member').length > breadths.length * 0.8, 'narrow ones first');

  const yaml = exclusionYaml(proposed.map(({ exclusion }) => exclusion));
  const tuned = Judges.open(configOf('none.log', routesWith(yaml)));
  const alarmFile = join(folder, 'alarms.jsonl');
  writeFileSync(alarmFile, linesOf(honest.filter(({ id }) => alarms.has(id))));
  const ofHonest = replay(readRecords([alarmFile], unread), tuned, judges);
  const left = ofHonest.verdicts.blocked;
  const ofAttacks = replay(readRecords([join(folder, 'attacks.log')], unread), tuned, null);
  const asSent = replay(readRecords([attackFile], unread), tuned, judges);
  const { user, system } = process.cpuUsage(started);
  t.diagnostic(
    `${alarms.size - left} of ${alarms.size} false alarms pass; CPU ${((user + system) / 1e6).toFixed(1)} s`,
  );
  assert.ok(left <= alarms.size * 0.1, `${left} of ${alarms.size} false alarms are left`);
  assert.equal(newlyPassed(ofHonest).length, alarms.size - left);
  assert.deepEqual([newlyPassed(ofAttacks), newlyBlocked(ofAttacks)], [[], []]);
  // Those in a cookie, and in JSON beside a listed name, which the log withholds.
  assert.equal(ofAttacks.undecided, 17);
  assert.deepEqual([newlyPassed(asSent), asSent.verdicts.blocked], [[], blockedAttacks.size]);
  assert.ok(readFileSync(join(folder, 'honest.log'), 'utf8').includes('[redacted]'), 'passwords are withheld');
});

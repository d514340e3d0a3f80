import { appendFileSync } from 'node:fs';
import { bytesOf, byteTextOfString } from '../../src/base/byte-text.ts';
import type { Config } from '../../src/config/schema.ts';
import { compileAudit } from '../../src/pipeline/audit-log.ts';
import { lonelyCollections, openRules, profileOf, wafEntries } from '../../src/pipeline/waf-rules.ts';
import { compileRouteOf, factsOfAsked } from '../../src/tuning/route-of.ts';
import { diskRuleFiles } from '../../src/waf/seclang/rule-files.ts';
import type { MadeRequest } from './honest-traffic.ts';

/**
 * What a gateway of one thread would write into its audit log, by its engine and its writer.
 *
 * @param config  All routes have the profile of the first; `waf.audit` says where to and what.
 * @returns  Ids of the requests that were blocked.
 */
export function writeLog(config: Config, requests: readonly MadeRequest[]): string[] {
  const files = diskRuleFiles();
  const rules = openRules(files, wafEntries(config.waf, files), config.waf, lonelyCollections());
  const [first] = config.routes;
  const engine = first === undefined ? null : rules.compile(profileOf(first));
  const file = (record: string): void => appendFileSync(config.waf.audit.path, `${record}\n`);
  const sink = compileAudit(config, 0, { file, log: file });
  const routeOf = compileRouteOf(config);
  if (engine === null || sink === null) throw new Error('no rules, or no log');
  return requests.flatMap(({ id, method, target, fields, body }) => {
    const bytes = Buffer.from(body, 'utf8');
    const request = { method, target: byteTextOfString(target), fields: fields.map(byteTextOfString), body: bytes };
    const route = routeOf(request)?.name;
    if (route === undefined) throw new Error(`no route takes ${target}`);
    const facts = factsOfAsked(config, request, '192.0.2.9', id);
    const inspection = engine.begin(facts);
    let outcome = inspection.requestHeaders();
    if (outcome.kind === 'pass') outcome = inspection.requestBody(bytes.toString('latin1'), false);
    if (outcome.kind === 'failed') throw outcome.error;
    inspection.logging();
    const isBlocked = outcome.kind === 'interrupt';
    if (inspection.wantsAudit) {
      sink.write({
        facts,
        inspection,
        route,
        outcome: isBlocked ? 'blocked' : 'matched',
        interruption: inspection.interruption,
        status: isBlocked ? 403 : 200,
        requestBody: bytesOf(bytes.toString('latin1')),
        answerBody: Buffer.alloc(0),
        answerFields: [],
        endedAtMs: facts.startedAtMs,
      });
    }
    return isBlocked ? [id] : [];
  });
}

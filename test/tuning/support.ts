import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { readRecords, Unread } from '../../src/tuning/read-records.ts';
import type { RecordedRequest } from '../../src/tuning/recorded-request.ts';

/** A folder of one test file with rules, configurations and recordings; gone at its end. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'sallyport-tuning-'));

  constructor() {
    after(() => rmSync(this.path, { recursive: true }));
  }

  /** @param content  Byte text. @returns  The path. */
  file(name: string, content: string): string {
    const path = join(this.path, name);
    writeFileSync(path, content, 'latin1');
    return path;
  }

  /** A configuration with one upstream. @param routes  YAML of the list. */
  config(rules: string, routes = '[{ name: all, upstream: api }]', waf = '', name = 'gateway.yaml'): Config {
    const rulesFile = `${name}.conf`;
    this.file(rulesFile, rules);
    this.file(
      name,
      `waf: { baseline: off, rules: [${rulesFile}]${waf} }\n` +
        'upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }\n' +
        `routes: ${routes}\n`,
    );
    return loadConfig({ file: name, env: {}, cwd: this.path }).config;
  }
}

/** Records of a file, and what was passed over. */
export function recordsOf(...paths: readonly string[]): { records: RecordedRequest[]; unread: Unread } {
  const unread = new Unread();
  return { records: [...readRecords(paths, unread)], unread };
}

/** Rules that count like CRS, and block from five on. */
export const SCORING = `
SecAction "id:1,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5"
SecRule ARGS|REQUEST_COOKIES "@contains bad" \\
  "id:10,phase:2,pass,log,auditlog,msg:'bad',setvar:'tx.inbound_anomaly_score=+5'"
SecRule ARGS "@contains worse" "id:11,phase:2,pass,log,auditlog,msg:'worse',setvar:'tx.inbound_anomaly_score=+3'"
SecRule ARGS "@contains odd" "id:12,phase:2,pass,log,auditlog,msg:'odd',setvar:'tx.inbound_anomaly_score=+2'"
SecRule REQUEST_METHOD "@streq PUT" \\
  "id:13,phase:1,pass,log,auditlog,msg:'method',setvar:'tx.inbound_anomaly_score=+5'"
SecRule &ARGS "@ge 4" "id:14,phase:2,pass,log,auditlog,msg:'many',setvar:'tx.inbound_anomaly_score=+5'"
SecRule ARGS "@rx (twin)" "id:15,phase:2,pass,capture,log,auditlog,msg:'chained',chain"
  SecRule TX:1 "@streq twin" "setvar:'tx.inbound_anomaly_score=+5'"
SecRule TX:inbound_anomaly_score "@ge %{tx.inbound_anomaly_score_threshold}" \\
  "id:20,phase:2,deny,status:403,log,auditlog,msg:'too much'"
`;

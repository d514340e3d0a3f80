import { beginFor } from '../../src/cli/waf-test.ts';
import { loadConfig } from '../../src/config/load.ts';
import { profileOf } from '../../src/pipeline/waf-rules.ts';
import type { AskedRequest } from '../../src/tuning/asked-request.ts';
import { judge } from '../../src/tuning/judgement.ts';
import { factsOfAsked } from '../../src/tuning/route-of.ts';

/** What the baseline alone makes of a request. */
export interface Judgement {
  readonly isBlocked: boolean;
  /** Of the rule, or the reason. */
  readonly words: string;
}

const CONFIG = `
upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }
routes: [{ name: all, upstream: api }]
`;

/** Judges requests as `sallyport waf test` does, under a configuration that says nothing of the firewall. */
export function openJudge(): (request: AskedRequest) => Judgement {
  const { config } = loadConfig({ text: CONFIG, env: {}, cwd: '/' });
  const [route] = config.routes;
  const profile = route === undefined ? null : profileOf(route);
  const begin = profile === null ? null : beginFor(config, profile);
  if (profile === null || begin === null) throw new Error('the firewall is off');
  return (request) => {
    const inspection = begin(factsOfAsked(config, request, '192.0.2.1', 'baseline'));
    const { kind, words } = judge(inspection, request, profile, config.waf);
    inspection.logging();
    return { isBlocked: kind === 'blocked', words };
  };
}

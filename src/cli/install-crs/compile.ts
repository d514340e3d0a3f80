import { loadConfig } from '../../config/load.ts';
import { SallyportError } from '../../errors.ts';
import { readWafRules } from '../../gateway/waf-rules.ts';
import { refusal } from './refusal.ts';

/**
 * Reads and compiles a rule set, as `sallyport check` does for a configuration that names its folder and no more.
 *
 * @param shown  The folder's name to come, for the message.
 * @throws  SallyportError SP_RULE_SET_INSTALL with everything that is wrong with its rules.
 */
export function compileRuleSet(folder: string, shown: string): void {
  const text = JSON.stringify({
    waf: { crs: folder },
    upstreams: { none: { targets: [{ url: 'http://127.0.0.1:9' }] } },
    routes: [{ name: 'all', upstream: 'none' }],
  });
  try {
    readWafRules(loadConfig({ text, env: {}, cwd: '/' }).config);
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    throw refusal(`${error.message.replaceAll(folder, shown)}\nnothing was installed`);
  }
}

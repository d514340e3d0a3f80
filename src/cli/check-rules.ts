import { loadConfig } from '../config/load.ts';
import { SallyportError } from '../errors.ts';
import { type ReadPatches, readPatches } from '../gateway/read-patches.ts';
import { readWafRules } from '../gateway/waf-rules.ts';
import { EXIT_OK, EXIT_REFUSED } from './exit-codes.ts';

/**
 * The part of `sallyport check` that reads and compiles the rules of the firewall, as the boot would.
 *
 * @param file  Of a configuration that is right in itself.
 * @param out   Takes the text to print, line ends included.
 * @returns Exit code: 0 when the rules can be used, or there are none.
 */
export function checkRules(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  out: (text: string) => void,
  cwd: string = process.cwd(),
): number {
  const { config } = loadConfig({ file, env, cwd });
  try {
    const rules = readWafRules(config);
    if (rules !== null) {
      out(`    firewall: rules of ${rules.recorded.texts.size} files\n`);
      if (config.waf.patches !== '') out(patchesLine(readPatches(config, rules, 0, Date.now())));
    }
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    out(`\n${error.message}\n`);
    return EXIT_REFUSED;
  }
}

function patchesLine({ live, expired }: ReadPatches): string {
  return `    patches: ${live.length} live${expired.length === 0 ? '' : `, ${expired.length} expired`}\n`;
}

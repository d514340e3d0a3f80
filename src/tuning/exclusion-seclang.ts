import { type Exclusion, exclusionControl } from './exclusion.ts';

/**
 * Exclusions as directives of a rule file that is read behind the rules that they change. They hold on every route.
 *
 * @returns  Lines with line ends; printable ASCII.
 */
export function exclusionDirectives(exclusions: readonly Exclusion[]): string {
  const lines = exclusions.map(({ ruleId, target }) =>
    target === null ? `SecRuleRemoveById ${ruleId}` : `SecRuleUpdateTargetById ${ruleId} "!${target}"`,
  );
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * Exclusions as one rule for requests of one path, which is read before the rules that it changes.
 *
 * @param path  As REQUEST_FILENAME has it: byte text.
 * @param id    Of the rule.
 */
export function exclusionRule(exclusions: readonly Exclusion[], path: string, id: number): string {
  const controls = exclusions.map((exclusion) => `ctl:${exclusionControl(exclusion)}`);
  const actions = [`id:${id}`, 'phase:1', 'pass', 'nolog', 't:none', ...controls];
  return `SecRule REQUEST_FILENAME "${pathTest(path)}" \\\n    "${actions.join(',\\\n    ')}"\n`;
}

/** A path of other characters is written as a pattern, so that no quote and no macro begins in it. */
function pathTest(path: string): string {
  if (/^[A-Za-z0-9_./-]+$/.test(path)) return `@streq ${path}`;
  const pattern = path.replaceAll(/[^A-Za-z0-9_/-]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `@rx ^${pattern}$`;
}

import { byRoute, type Exclusion } from './exclusion.ts';

/**
 * Exclusions as they stand in a configuration.
 *
 * @returns  YAML with line ends: a list `routes` of which each names its route and holds `policies.waf.without` alone,
 *           to be merged into the routes of those names. Printable ASCII.
 */
export function exclusionYaml(exclusions: readonly Exclusion[]): string {
  const lines = ['routes:'];
  for (const [route, { ids, targets }] of byRoute(exclusions)) {
    lines.push(`  - name: ${scalar(route)}`, '    policies:', '      waf:', '        without:');
    if (ids.length > 0) lines.push(`          ids: ${listed(ids)}`);
    if (targets.length > 0) lines.push('          targets:');
    for (const { target, ids: rules } of targets) {
      lines.push(`            - target: ${scalar(target)}`, `              ids: ${listed(rules)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function listed(ids: readonly string[]): string {
  return `[${ids.map((id) => `"${id}"`).join(', ')}]`;
}

/** Words of YAML that are no text, as 1.1 and 1.2 have them. */
const OTHER_WORDS = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

/** Bare where nobody could read it otherwise; else in double quotes, which take the escapes of JSON. */
function scalar(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9_.-]*(?::[A-Za-z0-9_.[\]-]+)?$/.test(text) && !OTHER_WORDS.test(text)) return text;
  return JSON.stringify(text).replaceAll(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

import type { DirectiveRow } from '../../../src/waf/seclang/directives.ts';

/** The table of docs/seclang.md. */
export function directiveTable(rows: Readonly<Record<string, DirectiveRow>>): string {
  const lines = Object.entries(rows).map(([name, row]) => `| ${name} | ${readAs(row)} | ${row.why} |`);
  return ['| Directive | Read as | What it says |', '|---|---|---|', ...lines].join('\n');
}

function readAs(row: DirectiveRow): string {
  if (row.as === 'rule') return 'rule';
  if (row.as === 'refused') {
    return row.harmless.length === 0 ? '**refused**' : `**refused**, but for ${row.harmless.map(code).join(', ')}`;
  }
  const kinds = row.kinds.map(({ says }) => says.replaceAll('|', '\\|'));
  const optional = row.optional === undefined ? '' : ' (may be left out)';
  return kinds.length === 0 ? 'setting without a value' : `setting: ${kinds.join(', then ')}${optional}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

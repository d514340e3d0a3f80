import { INTRODUCTION } from './docs-introduction.ts';
import { envNames } from './env-names.ts';
import { isRecord, isScalar, rangeText, recordItem, SCHEMA, type ScalarNode, type SchemaNode } from './schema-tree.ts';
import { INDEX, type Leaf, leafText, NAME } from './schema-walk.ts';

/** A mapping with settings of its own: one table. */
interface Section {
  readonly path: readonly string[];
  readonly description: string;
  readonly rows: readonly string[];
}

/** `docs/config.md`: an introduction, then every key: path, type, default, range, unit, environment name, sentence. */
export function generateDocs(): string {
  const parts = [INTRODUCTION.trim(), '## All settings', contents([...sections(SCHEMA, [])])];
  for (const section of sections(SCHEMA, [])) {
    parts.push(`### ${titleOf(section)}`, section.description, table(section.rows));
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function contents(all: readonly Section[]): string {
  const links = all.map((section) => `[${titleOf(section)}](#${anchorOf(titleOf(section))})`);
  return links.join(' · ');
}

function titleOf({ path }: Section): string {
  return path.length === 0 ? 'Top level' : leafText(path);
}

/** The anchor that Markdown readers make of a heading: lower case, no punctuation, blanks as `-`. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
}

function* sections(node: SchemaNode, path: readonly string[]): Generator<Section> {
  if (isScalar(node)) return;
  if (node.type === 'array') {
    yield* sections(node.items, [...path, INDEX]);
    return;
  }
  if (isRecord(node)) {
    yield* sections(recordItem(node), [...path, NAME]);
    return;
  }
  const children = Object.entries(node.properties);
  const rows = children.flatMap(([name, child]) => row(name, child, [...path, name], node.required ?? []));
  if (rows.length > 0) yield { path, description: node.description ?? '', rows };
  for (const [name, child] of children) yield* sections(child, [...path, name]);
}

function row(name: string, node: SchemaNode, path: readonly string[], required: readonly string[]): string[] {
  const scalar = node.type === 'array' ? node.items : node;
  if (!isScalar(scalar)) return [];
  const leaf: Leaf = { path, node, scalar, isList: node.type === 'array' };
  const variables = envNames(leaf).map(code);
  const cells = [
    code(name),
    typeText(leaf),
    defaultText(leaf, required.includes(name)),
    limits(leaf),
    variables.join('<br>'),
    sentence(leaf),
  ];
  return [`| ${cells.map(escapeCell).join(' | ')} |`];
}

function table(rows: readonly string[]): string {
  return ['| Key | Type | Default | Range | Environment | Meaning |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

function typeText({ scalar, isList }: Leaf): string {
  const type = scalar.file === true ? 'file name' : scalar.secret === true ? 'secret text' : TYPES[scalar.type];
  return isList ? `list of ${type}s` : type;
}

const TYPES = { string: 'text', integer: 'integer', boolean: 'true or false' };

function defaultText({ node, scalar }: Leaf, isRequired: boolean): string {
  if (isRequired) return '**required**';
  if (node.type === 'array') {
    const items = (node.default as unknown[] | undefined) ?? [];
    return items.length === 0 ? 'none' : items.map((item) => code(String(item))).join(', ');
  }
  if (scalar.defaultFrom !== undefined) return `as ${code(scalar.defaultFrom)}`;
  return scalar.default === '' ? 'empty' : code(String(scalar.default));
}

function limits({ scalar, node }: Leaf): string {
  const parts = [rangeOf(scalar)];
  if (node.type === 'array' && node.minItems !== undefined) parts.push(`at least ${node.minItems}`);
  return parts.filter((part) => part !== '').join('; ');
}

function rangeOf(scalar: ScalarNode): string {
  if (scalar.enum !== undefined) return scalar.enum.map(code).join(', ');
  return scalar.type === 'integer' ? rangeText(scalar) : (scalar.form ?? '');
}

function sentence({ node }: Leaf): string {
  return node.description ?? '';
}

function code(text: string): string {
  return `\`${text}\``;
}

/** `|` ends a cell in Markdown, also within code. */
function escapeCell(cell: string): string {
  return cell.replaceAll('|', '\\|');
}

import { isRecord, isScalar, rangeText, SCHEMA, type ScalarNode, type SchemaNode } from './schema-tree.ts';

/**
 * JSON Schema (draft 7, what editors' YAML plug-ins read) of the configuration as an operator writes it: keys with a
 * default may be left out, and a text may be a reference.
 */
export function generateSchema(): string {
  const root = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Sallyport configuration',
    ...(convert(SCHEMA) as Record<string, unknown>),
  };
  return `${layOut(root, '')}\n`;
}

function convert(node: SchemaNode): unknown {
  if (isScalar(node)) return convertScalar(node);
  const words = { description: node.description, type: node.type };
  if (node.type === 'array') {
    const { minItems, maxItems } = node;
    return clean({ ...words, default: node.default, minItems, maxItems, items: convert(node.items) });
  }
  if (isRecord(node)) {
    const patterns = Object.entries(node.patternProperties).map(([pattern, item]) => [pattern, convert(item)]);
    return clean({ ...words, additionalProperties: false, patternProperties: Object.fromEntries(patterns) });
  }
  const properties = Object.entries(node.properties).map(([name, child]) => [name, convert(child)]);
  const required = node.required?.length === 0 ? undefined : node.required;
  return clean({ ...words, additionalProperties: false, required, properties: Object.fromEntries(properties) });
}

/** Text that is a reference: its value is checked when it is known. */
const REFERENCE = { type: 'string', pattern: '\\$\\{|^file:' };

function convertScalar(node: ScalarNode): unknown {
  const { type, pattern, minLength, minimum, maximum } = node;
  const hint = node.type === 'integer' ? rangeText(node) : (node.form ?? '');
  const description = [node.description, hint === '' ? '' : `(${hint})`].filter(Boolean).join(' ');
  const words = { description: description === '' ? undefined : description, default: node.default };
  const rules = clean({ type, enum: node.enum, pattern, minLength, minimum, maximum });
  if (node.enum === undefined && pattern === undefined) return clean({ ...words, ...rules });
  return clean({ ...words, anyOf: [rules, REFERENCE] });
}

function clean(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

/** Columns that a line may have: the formatter's own bound, so that it leaves the file alone. */
const WIDTH = 120;

/** JSON with lists of scalars on one line where they fit. */
function layOut(value: unknown, indent: string, used = indent.length): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every((item) => typeof item !== 'object')) {
      const line = `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
      if (used + line.length < WIDTH) return line;
    }
    return `[\n${value.map((item) => inner + layOut(item, inner)).join(',\n')}\n${indent}]`;
  }
  const rows = Object.entries(value).map(([key, item]) => {
    const start = `${inner}${JSON.stringify(key)}: `;
    return start + layOut(item, inner, start.length);
  });
  return rows.length === 0 ? '{}' : `{\n${rows.join(',\n')}\n${indent}}`;
}

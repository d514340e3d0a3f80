import { ConfigSchema } from './schema.ts';

/** The schema as plain JSON, for those who walk it: every kind of node that `schema.ts` makes. */
export type SchemaNode = ObjectNode | RecordNode | ListNode | ScalarNode;

interface Common {
  readonly description?: string;
  readonly secret?: boolean;
  readonly file?: boolean;
}

export interface ObjectNode extends Common {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
}

export interface RecordNode extends Common {
  readonly type: 'object';
  readonly properties?: undefined;
  readonly patternProperties: Readonly<Record<string, SchemaNode>>;
  readonly default?: unknown;
}

export interface ListNode extends Common {
  readonly type: 'array';
  readonly items: SchemaNode;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
}

export interface ScalarNode extends Common {
  readonly type: 'string' | 'integer' | 'boolean';
  readonly default?: string | number | boolean;
  readonly defaultFrom?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly form?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly unit?: string;
}

/** What an operator may write: like `ConfigSchema`, but a key with a default may be left out. */
export const SCHEMA: ObjectNode = relax(JSON.parse(JSON.stringify(ConfigSchema))) as ObjectNode;

export function isRecord(node: SchemaNode): node is RecordNode {
  return node.type === 'object' && node.properties === undefined;
}

export function isScalar(node: SchemaNode): node is ScalarNode {
  return node.type !== 'object' && node.type !== 'array';
}

/** The one kind of item a record has. */
export function recordItem(node: RecordNode): SchemaNode {
  return Object.values(node.patternProperties)[0] as SchemaNode;
}

/** `80` -> `integer`: the names of YAML's kinds, as messages use them. */
export function kindOf(value: unknown): 'nothing' | 'list' | 'mapping' | 'string' | 'integer' | 'number' | 'boolean' {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return 'mapping';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'boolean' ? 'boolean' : 'string';
}

/** The kind of value a node asks for, in the words of `kindOf`. */
export function kindAsked(node: SchemaNode): 'mapping' | 'list' | ScalarNode['type'] {
  if (node.type === 'object') return 'mapping';
  return node.type === 'array' ? 'list' : node.type;
}

/** A range in words: `1 to 65535 bytes`; '' without one. */
export function rangeText(node: ScalarNode): string {
  if (node.minimum === undefined || node.maximum === undefined) return '';
  const unit = node.unit === undefined || node.unit === '' ? '' : ` ${node.unit}`;
  if (node.maximum === Number.MAX_SAFE_INTEGER) return `${node.minimum} or more${unit}`;
  return `${node.minimum} to ${node.maximum}${unit}`;
}

/** Anything with properties of its own, as the schema's `type: object` means it. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function relax(node: SchemaNode): SchemaNode {
  if (node.type === 'array') return { ...node, items: relax(node.items) };
  if (isScalar(node)) return node;
  if (isRecord(node)) return { ...node, patternProperties: mapValues(node.patternProperties, relax) };
  const required = (node.required ?? []).filter((name) => {
    const child = node.properties[name];
    return child !== undefined && child.default === undefined && !(isScalar(child) && child.defaultFrom !== undefined);
  });
  return { ...node, properties: mapValues(node.properties, relax), required };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

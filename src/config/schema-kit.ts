import { type TSchema, Type } from '@sinclair/typebox';

/**
 * What rows of the schema are built from.
 *
 * Words of our own beside JSON Schema's: `unit` and `form` (what a pattern asks for) are for people; `secret` keeps a
 * value out of every print; `file` names a file, made absolute against the configuration's folder at load;
 * `defaultFrom` is the setting that gives the default.
 */
export interface Words {
  unit?: string;
  form?: string;
  secret?: boolean;
  file?: boolean;
  defaultFrom?: string;
}

/** The names of `Words`, for those who must tell them from JSON Schema's own. */
export const OWN_KEYWORDS = ['unit', 'form', 'secret', 'file', 'defaultFrom'] as const;

export const text = (
  description: string,
  defaultValue: string,
  options: Words & { pattern?: string; minLength?: number } = {},
) => Type.String({ description, default: defaultValue, ...options });
export const flag = (description: string, defaultValue: boolean) =>
  Type.Boolean({ description, default: defaultValue });
export const count = (description: string, defaultValue: number, minimum: number, maximum: number, unit = '') =>
  Type.Integer({ description, default: defaultValue, minimum, maximum, unit });
export const millis = (description: string, defaultValue: number, minimum = 1, maximum = 86_400_000) =>
  count(description, defaultValue, minimum, maximum, 'milliseconds');
export const bytes = (description: string, defaultValue: number, minimum = 0, maximum = Number.MAX_SAFE_INTEGER) =>
  count(description, defaultValue, minimum, maximum, 'bytes');
export const port = (description: string, defaultValue: number) => count(description, defaultValue, 0, 65_535);
export const oneOf = <const T extends string>(
  description: string,
  values: readonly [T, ...T[]],
  defaultValue: NoInfer<T>,
) => Type.Unsafe<T>({ type: 'string', enum: values, description, default: defaultValue });
export const list = <T extends TSchema>(item: T, description: string) => Type.Array(item, { description, default: [] });
export const section = <P extends Record<string, TSchema>>(description: string, properties: P) =>
  Type.Object(properties, { description, default: {}, additionalProperties: false });

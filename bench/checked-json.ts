import { readFileSync } from 'node:fs';
import type { Static, TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';

/** A file that cannot be used: every problem with the path of its key. */
export class CheckedJsonError extends Error {}

/**
 * Reads JSON and holds it against a schema; nothing is coerced or filled in.
 *
 * @returns The value, as it is in the file.
 * @throws  CheckedJsonError naming the file, and each key at fault by its path, as `budgets[2].most`.
 */
export function readCheckedJson<Schema extends TSchema>(schema: Schema, file: string): Static<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CheckedJsonError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return checkJson(schema, value, file);
}

/** @param name  What the value is called in messages: a file's name. */
export function checkJson<Schema extends TSchema>(schema: Schema, value: unknown, name: string): Static<Schema> {
  const check = new Ajv({ strict: true, allErrors: true, coerceTypes: false, useDefaults: false }).compile(schema);
  if (check(value)) return value as Static<Schema>;
  const problems = (check.errors ?? []).map((error) => `  ${wordsOf(error)}`);
  throw new CheckedJsonError([`${name} is not what it must be:`, ...new Set(problems)].join('\n'));
}

function wordsOf({ instancePath, keyword, params, message }: ErrorObject): string {
  const path = pathOf(instancePath);
  const inner = (key: unknown): string => (path === '' ? String(key) : `${path}.${key}`);
  if (keyword === 'additionalProperties') return `${inner(params.additionalProperty)} is unknown`;
  if (keyword === 'required') return `${inner(params.missingProperty)} is missing`;
  return `${path === '' ? 'it' : path} ${message ?? 'is wrong'}`;
}

/** `/budgets/2/most` -> `budgets[2].most` */
function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

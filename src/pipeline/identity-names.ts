import type { Config } from '../config/schema.ts';

/** Lower-case names of the fields that only we may write. */
export function identityFieldNames({ identity }: Config): readonly string[] {
  const names = identity.fields.map(({ name }) => name.toLowerCase());
  return identity.token.field === '' ? names : [...names, identity.token.field.toLowerCase()];
}

import { generateDocs } from './generate-docs.ts';
import { generateExample } from './generate-example.ts';
import { generateSchema } from './generate-schema.ts';

/** A file that is made from the schema, by its path from the project's root. */
export interface GeneratedFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Everything that is made from `schema.ts`: the JSON Schema for editors, the reference, the example.
 *
 * @returns The same bytes for the same schema, on every machine.
 * @throws  Never.
 */
export function generateAll(): GeneratedFile[] {
  return [
    { file: 'config/gateway.schema.json', text: generateSchema() },
    { file: 'config/gateway.example.yaml', text: generateExample() },
    { file: 'docs/config.md', text: generateDocs() },
  ];
}

// From a stored run: the page beside it, and docs/performance.md.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CheckedJsonError, readCheckedJson } from '../checked-json.ts';
import { performanceOf } from './performance.ts';
import { nameOf, writePage } from './place.ts';
import { RUN_SCHEMA } from './run-schema.ts';

const USAGE = `npm run bench:report -- RUN.json [--performance FILE]

  writes RUN.html; with --performance also the tables of FILE (docs/performance.md)
`;

process.exitCode = main(process.argv.slice(2));

/** @returns  0; 1 when the run cannot be read; 2 when called wrongly. */
function main(args: readonly string[]): number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { performance: { type: 'string' }, help: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const [file] = positionals;
    if (values.help || file === undefined || positionals.length > 1) {
      console.log(USAGE);
      return values.help ? 0 : 2;
    }
    const path = resolve(file);
    const run = readCheckedJson(RUN_SCHEMA, path);
    console.log(`page: ${nameOf(writePage(run, path))}`);
    if (values.performance !== undefined) {
      writeFileSync(values.performance, performanceOf(run, nameOf(path)));
      console.log(`tables: ${values.performance}`);
    }
    return 0;
  } catch (error) {
    if (error instanceof CheckedJsonError) {
      console.error(error.message);
      return 1;
    }
    if (error instanceof TypeError && 'code' in error) {
      console.error(`${error.message}\n\n${USAGE}`);
      return 2;
    }
    throw error;
  }
}

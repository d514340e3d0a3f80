import { writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkJson } from '../checked-json.ts';
import { pageOf } from './page.ts';
import { RUN_SCHEMA } from './run-schema.ts';

/** dist/bench/report/place.js -> project */
export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

/** `bench/runs/2025-01-31/14-05-59.json` in universal time; quick runs below `local`, which git ignores. */
export function placeOf(startedAt: Date, quick: boolean): string {
  const [date = '', time = ''] = startedAt.toISOString().slice(0, 19).replaceAll(':', '-').split('T');
  return join(PROJECT, 'bench', 'runs', ...(quick ? ['local'] : []), date, `${time}.json`);
}

/**
 * Writes the page about a run beside its figures.
 *
 * @param results  What is in the file.
 * @param file     Of the figures, `.json`.
 * @returns        Path of the page.
 * @throws         CheckedJsonError when the results are not what a stored run must be.
 */
export function writePage(results: unknown, file: string): string {
  const page = file.replace(/(\.json)?$/, '.html');
  writeFileSync(page, pageOf(checkJson(RUN_SCHEMA, throughJson(results), basename(file)), nameOf(file)));
  return page;
}

/** From the project's folder where it is below it, else the file's own name: a page must not tell of one machine. */
export function nameOf(file: string): string {
  const path = relative(PROJECT, file);
  return path.startsWith('..') || path === '' ? basename(file) : path;
}

/** NaN is null in the file, and what is undefined is absent. */
function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

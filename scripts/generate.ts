import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateAll } from '../src/config/generate.ts';

/**
 * Writes the files that are made from the schema, or with `--check` says which are stale and exits 1.
 * Runs from `<build>/scripts/`, two levels below the project's root.
 */
const isCheck = process.argv.includes('--check');
const stale: string[] = [];
for (const { file, text } of generateAll()) {
  const url = new URL(`../../${file}`, import.meta.url);
  if (read(url) === text) continue;
  stale.push(file);
  if (isCheck) continue;
  mkdirSync(dirname(fileURLToPath(url)), { recursive: true });
  writeFileSync(url, text);
}
if (isCheck && stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Write them anew with: npm run generate`);
  process.exitCode = 1;
} else {
  console.log(stale.length === 0 ? 'Generated files are up to date.' : `Written: ${stale.join(', ')}`);
}

function read(url: URL): string | undefined {
  try {
    return readFileSync(url, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

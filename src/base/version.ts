import { readFileSync } from 'node:fs';

/** Version of the package this file was built into. */
export function packageVersion(): string {
  // dist/src/base/version.js -> package.json
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

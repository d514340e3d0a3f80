import { readFileSync } from 'node:fs';

/** Version of the package this file was built into. */
export function packageVersion(): string {
  // dist/src/cli/version.js -> package.json
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** `sallyport 0.1.0 (node 20.20.2, linux x64)`: what a bug report needs. */
export function versionLine(): string {
  return `sallyport ${packageVersion()} (node ${process.versions.node}, ${process.platform} ${process.arch})`;
}

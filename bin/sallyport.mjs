#!/usr/bin/env node
import { existsSync } from 'node:fs';

const built = new URL('../dist/src/cli/main.js', import.meta.url);
if (existsSync(built)) {
  const { main } = await import(built.href);
  process.exit(await main(process.argv.slice(2)));
} else {
  // A checkout that was never built: let the bootstrap script install and build, then run this very command. It reads
  // its target and arguments from the command line.
  const bootstrap = new URL('../scripts/bootstrap.mjs', import.meta.url);
  const { runBootstrap } = await import(bootstrap.href);
  await runBootstrap('cli', process.argv.slice(2));
}

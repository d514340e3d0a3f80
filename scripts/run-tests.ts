import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

/** A test file that is still going after this hangs. */
const FILE_MS_MAX = 180_000;
/** Unit tests side by side; end-to-end tests measure, so each of them has the machine to itself. */
const UNIT_FILES_AT_ONCE = 2;
const SUMMARY = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;

const dist = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = process.argv.slice(2);
const files = testFiles(join(dist, 'test')).filter(
  (path) => wanted.length === 0 || wanted.some((part) => path.includes(part)),
);
if (files.length === 0) {
  console.error(`no test file under test/ has ${wanted.join(' or ')} in its name`);
  process.exit(2);
}
const isEndToEnd = (path: string) => relative(dist, path).startsWith(join('test', 'e2e'));

const reporter = new spec();
reporter.pipe(process.stdout);
const totals = new Map<string, number>();
await report(
  files.filter((path) => !isEndToEnd(path)),
  UNIT_FILES_AT_ONCE,
);
await report(files.filter(isEndToEnd), 1);
// One summary over both runs, in node's own form.
for (const [name, value] of totals) {
  reporter.write({ type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${value}` } });
}
reporter.end();
const failures = (totals.get('fail') ?? 0) + (totals.get('cancelled') ?? 0);
process.exitCode = failures === 0 && (totals.get('tests') ?? 0) > 0 ? 0 : 1;

async function report(paths: readonly string[], concurrency: number): Promise<void> {
  if (paths.length === 0) return;
  for await (const event of run({ files: [...paths], concurrency, timeout: FILE_MS_MAX })) {
    const summary =
      event.type === 'test:diagnostic' && event.data.nesting === 0 ? SUMMARY.exec(event.data.message) : null;
    if (summary === null) {
      if (!reporter.write(event)) await new Promise((resolve) => reporter.once('drain', resolve));
    } else {
      const [, name = '', value = '0'] = summary;
      totals.set(name, (totals.get(name) ?? 0) + Number(value));
    }
  }
}

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

#!/usr/bin/env node
// Needs nothing but Node: brings a fresh clone to the point where a target can run, then runs it.
// Installs when node_modules does not match package-lock.json, builds when a source changed, and is silent otherwise.
// Everything it says goes to standard error, so that standard output belongs to the target (the gateway's log).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureTools, missingTools } from './ensure-tools.mjs';

/** Major and minor. */
const NODE_MIN = [20, 12];
const SOURCE_FOLDERS = ['src', 'workers', 'test', 'bench', 'native-bench', 'scripts'];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const installStamp = join(root, 'node_modules', '.sallyport-install');
const buildStamp = join(dist, '.build');

/** What compiles simdjson, and re2 where its ready build cannot be downloaded. */
const COMPILERS = ['g++', 'make', 'python3'];

/** A failure with its remedy: printed without a stack. */
class Trouble extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const TARGETS = {
  start: (args) => startGateway(['serve', ...args]),
  cli: (args) => startGateway(args),
  install: async () => 0,
  build: async () => 0,
  lint,
  check,
  test,
  generate: (args) => node(['dist/scripts/generate.js', ...args]),
  bench: (args) => withTools(['nginx', 'nginx-modsecurity', 'haproxy', 'openssl'], ['dist/bench/main.js', ...args]),
  'bench:scale': (args) => withTools(['nginx', 'openssl'], ['dist/bench/scale/main.js', ...args]),
  'bench:tuning': (args) => withTools(['nginx', 'openssl'], ['dist/bench/tuning/main.js', ...args]),
  'native-bench': (args) => withTools(['nginx'], ['dist/native-bench/main.js', ...args]),
  'bench:report': (args) => node(['dist/bench/report/main.js', ...args]),
  'bench:gate': (args) =>
    withTools(['nginx', 'nginx-modsecurity', 'haproxy', 'openssl'], ['dist/bench/gate/main.js', ...args]),
  release: (args) => node(['dist/scripts/release.js', ...args]),
  'conformance:http1': (args) => node(['dist/test/conformance/http1.js', ...args]),
  'conformance:crs': (args) =>
    withTools(['nginx', 'nginx-modsecurity'], ['dist/test/conformance/crs/main.js', ...args]),
  'conformance:tls': (args) => withTools(['testssl', 'openssl'], ['dist/test/conformance/testssl.js', ...args]),
  'worst-case:crs': (args) => node(['dist/test/conformance/crs/worst-case/main.js', ...args]),
};

/**
 * Installs and builds what is missing, then runs one target.
 *
 * @param {string} target  A key of TARGETS.
 * @param {string[]} args  Passed on to the target.
 * @returns {Promise<number>}  The target's exit code.
 */
export async function bootstrap(target, args) {
  checkNode();
  const run = Object.hasOwn(TARGETS, target) ? TARGETS[target] : undefined;
  if (run === undefined) {
    throw new Trouble(`unknown target "${target}"; there are: ${Object.keys(TARGETS).join(', ')}`, 2);
  }
  await install();
  if (target !== 'install' && target !== 'lint') await build();
  return run(args);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  throw new Trouble(
    `Node.js ${process.versions.node} is too old: Sallyport needs ${NODE_MIN.join('.')} or newer. ` +
      'Get one from https://nodejs.org or your distribution.',
  );
}

async function install() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  // Prebuilt native code differs by platform and ABI: another Node under the same folder means another install.
  const platform = `${process.platform}-${process.arch}-${process.versions.modules}`;
  const wanted = `${platform} ${hash([lock])}`;
  const stamp = readStamp(installStamp);
  if (stamp === wanted) return;
  const otherPlatform = stamp !== '' && !stamp.startsWith(`${platform} `);
  if (otherPlatform || !matchesLock(lock)) {
    say('installing dependencies (npm ci) ...');
    // NODE_ENV=production would leave out the compiler.
    const ci = 'ci --include=dev --include=optional --no-audit --no-fund --loglevel=error'.split(' ');
    let code = await npm(ci);
    if (code !== 0 && missingTools(COMPILERS).length > 0 && ensureTools(COMPILERS, say).length === 0) {
      code = await npm(ci);
    }
    if (code !== 0) {
      throw new Trouble(
        `npm ci failed with exit code ${code}; its own words are above. ` +
          'Without a network, or behind a proxy, set npm’s registry and proxy (npm config set registry URL, HTTPS_PROXY); ' +
          'without g++, make and python3, install them: simdjson is compiled, and re2 where its ready build cannot be had; ' +
          'if package.json and package-lock.json disagree, run npm install and commit the lock file. Then try again.',
      );
    }
  }
  writeFileSync(installStamp, wanted);
}

/** True when somebody else's npm has already put exactly the locked versions in place: then they are left alone. */
function matchesLock(lock) {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  // npm writes this file last, so its presence means that an install ran to its end.
  if (!existsSync(hidden)) return false;
  try {
    const there = JSON.parse(readFileSync(hidden, 'utf8')).packages;
    return Object.entries(JSON.parse(lock).packages).every(
      ([path, row]) =>
        path === '' || (there[path] === undefined ? mayBeAbsent(row) : there[path].version === row.version),
    );
  } catch {
    // Unreadable is as good as absent: npm ci makes it anew.
    return false;
  }
}

/** Builds for other platforms stay out. */
function mayBeAbsent(row) {
  return row.optional === true || row.devOptional === true;
}

async function build() {
  const sources = SOURCE_FOLDERS.flatMap((folder) => filesBelow(join(root, folder))).filter((path) =>
    path.endsWith('.ts'),
  );
  const inputs = [...sources, join(root, 'tsconfig.json'), join(root, 'package-lock.json')];
  const wanted = hash(inputs.flatMap((path) => [relative(root, path), readFileSync(path)]));
  if (readStamp(buildStamp) === wanted) return;
  say('building ...');
  rmSync(buildStamp, { force: true });
  const code = await node(['node_modules/typescript/bin/tsc', '--project', 'tsconfig.json', '--outDir', 'dist']);
  if (code !== 0) throw new Trouble('the build failed; correct the errors above and try again.');
  removeOrphans(new Set(sources.map((path) => relative(root, path).slice(0, -'.ts'.length))));
  mkdirSync(dist, { recursive: true });
  writeFileSync(`${buildStamp}.new`, wanted);
  renameSync(`${buildStamp}.new`, buildStamp);
}

/** A test whose source was deleted must not go on running from dist. */
function removeOrphans(stems) {
  for (const path of filesBelow(dist)) {
    const match = /^(.*)\.js(?:\.map)?$/.exec(relative(dist, path));
    if (match !== null && !stems.has(match[1])) rmSync(path, { force: true });
  }
}

/** In this very process: no wrapper stands between a signal and the gateway. */
async function startGateway(args) {
  const { main } = await import(pathToFileURL(join(dist, 'src', 'cli', 'main.js')).href);
  return main(args);
}

function lint(args) {
  return run(process.execPath, [
    'node_modules/@biomejs/biome/bin/biome',
    'ci',
    '--error-on-warnings',
    ...(args.length > 0 ? args : ['.']),
  ]);
}

/** All that needs no running gateway; the types were checked by the build. */
async function check() {
  const lintCode = await lint([]);
  if (lintCode !== 0) throw new Trouble('lint failed; `npx biome check --write` corrects most of it.', lintCode);
  const staleCode = await node(['dist/scripts/generate.js', '--check']);
  if (staleCode !== 0)
    throw new Trouble('generated files are stale; run `npm run generate` and commit them.', staleCode);
  return 0;
}

async function test(args) {
  // With names given, somebody works on those tests: lint comes with the whole run.
  if (args.length === 0) await check();
  ensureTools(['openssl', 'redis-server', 'chromium', 'nginx', 'nginx-modsecurity'], say);
  return node(['dist/scripts/run-tests.js', ...args]);
}

function withTools(tools, args) {
  ensureTools(tools, say);
  return node(args);
}

function node(args) {
  return run(process.execPath, ['--enable-source-maps', ...args]);
}

/** npm's standard output goes to our standard error: ours belongs to the target. */
function npm(args) {
  const script = process.env.npm_execpath;
  const viaNode = script !== undefined && /npm-cli\.[cm]?js$/.test(script) && existsSync(script);
  return viaNode ? run(process.execPath, [script, ...args], 2) : run('npm', args, 2);
}

/** Runs a child to its end. A signal to us goes to the child; its end is ours. */
function run(command, args, stdout = 'inherit') {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['inherit', stdout, 'inherit'] });
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
    const release = () => {
      for (const signal of signals) process.off(signal, forward);
    };
    for (const signal of signals) process.on(signal, forward);
    child.once('error', (error) => {
      release();
      reject(new Trouble(`${command} could not be started: ${error.message}. Is it installed and on the PATH?`));
    });
    child.once('exit', (code, signal) => {
      release();
      if (signal !== null) reject(new Trouble(`${command} was ended by ${signal}.`, 128 + constants.signals[signal]));
      else resolve(code);
    });
  });
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    });
}

function hash(parts) {
  const digest = createHash('sha256');
  // The length before each part keeps ['ab', 'c'] and ['a', 'bc'] apart.
  for (const part of parts) digest.update(`${part.length}:`).update(part);
  return digest.digest('hex');
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function say(words) {
  process.stderr.write(`sallyport: ${words}\n`);
}

/** `bootstrap`, then the end of the process with the target's exit code, or with a sentence instead of a stack. */
export async function runBootstrap(target, args) {
  try {
    process.exit(await bootstrap(target, args));
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    say(error.message);
    process.exit(error.exitCode);
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await runBootstrap(process.argv[2] ?? 'start', process.argv.slice(3));
}

// Optional tools of tests and benchmarks, from Debian packages. Installed when missing and permitted; else the caller
// goes on and says what is skipped.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Tool on the PATH, or name of a file in FILES -> Debian package that brings it. */
const PACKAGES = {
  nginx: 'nginx-light',
  'nginx-modsecurity': 'libnginx-mod-http-modsecurity',
  haproxy: 'haproxy',
  testssl: 'testssl.sh',
  openssl: 'openssl',
  curl: 'curl',
  'redis-server': 'redis-server',
  chromium: 'chromium',
  'g++': 'g++',
  make: 'make',
  python3: 'python3',
};
/** Tools that are no commands -> the file that is there when they are. */
const FILES = {
  'nginx-modsecurity': '/usr/lib/nginx/modules/ngx_http_modsecurity_module.so',
};
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Makes sure that the tools are there.
 *
 * @param {(keyof typeof PACKAGES)[]} tools
 * @param {(words: string) => void} say  Takes one plain sentence per event.
 * @returns {string[]}  Tools that are still missing.
 */
export function ensureTools(tools, say) {
  const missing = missingTools(tools);
  if (missing.length === 0) return [];
  const obstacle = whyNot();
  if (obstacle !== null) {
    say(`not installed here: ${missing.join(', ')}; what needs them is skipped (${obstacle}).`);
    return missing;
  }
  const packages = missing.map((tool) => PACKAGES[tool]);
  say(`installing Debian packages: ${packages.join(', ')} ...`);
  withoutServices(() => {
    if (apt(['update'])) apt(['install', '--yes', '--no-install-recommends', ...packages]);
  });
  const still = missingTools(missing);
  if (still.length > 0) say(`apt-get could not install ${still.join(', ')}; what needs them is skipped.`);
  return still;
}

/** @param {string[]} tools  @returns {string[]}  Those that are not here. */
export function missingTools(tools) {
  return tools.filter((tool) => (Object.hasOwn(FILES, tool) ? !existsSync(FILES[tool]) : !onPath(tool)));
}

function whyNot() {
  if (process.env.SALLYPORT_TEST_INSTALL_TOOLS === '0') return 'SALLYPORT_TEST_INSTALL_TOOLS=0';
  if (process.getuid?.() !== 0) return 'installing packages needs root';
  if (!onPath('apt-get')) return 'this system has no apt-get';
  return null;
}

/** A package's own service must not come up on port 80 because of a test run (Debian's policy-rc.d interface). */
function withoutServices(action) {
  if (existsSync(POLICY)) {
    action();
    return;
  }
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    action();
  } finally {
    rmSync(POLICY, { force: true });
  }
}

function apt(args) {
  const { status } = spawnSync('apt-get', ['--quiet', ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}

function onPath(tool) {
  // Debian keeps servers in sbin, which a plain user's PATH leaves out.
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

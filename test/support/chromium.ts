import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

/** Why there is no browser here; false where there is one. For `skip` of a test. */
export const noChromium: string | false =
  spawnSync('chromium', ['--version']).status === 0
    ? false
    : 'there is no chromium on the PATH (Debian package chromium)';

/** A real browser without a window, with nobody's profile. The caller closes it. */
export function startChromium(): Promise<Browser> {
  // Tests run as root in containers, where Chromium has no sandbox; it opens servers of the test alone.
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    chromiumSandbox: false,
    args: ['--disable-dev-shm-usage', '--disable-gpu'],
    timeout: 60_000,
  });
}

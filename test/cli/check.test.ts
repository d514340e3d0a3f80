import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCheck } from '../../src/cli/check.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-check-'));
after(() => rmSync(folder, { recursive: true }));

function check(text: string, env: Record<string, string> = {}): { code: number; printed: string } {
  writeFileSync(join(folder, 'gateway.yaml'), text);
  let printed = '';
  const out = (piece: string): void => {
    printed += piece;
  };
  return { code: runCheck('gateway.yaml', { env, out, cwd: folder }), printed };
}

test('a configuration that can run: what runs, and warnings', () => {
  const text = `upstreams:
  api: { targets: [{ url: "http://127.0.0.1:3000" }, { url: "http://127.0.0.1:3001" }] }
  spare: { targets: [{ url: "http://127.0.0.1:3002" }] }
routes:
  - { name: all, upstream: api }
`;
  assert.deepEqual(check(text, { SALLYPORT_HOST: '::' }), {
    code: 0,
    printed: `OK  gateway.yaml
    1 route, 2 upstreams with 3 targets
    listeners: http [::]:8080, admin 127.0.0.1:9090

1 warning:
upstreams.spare  (gateway.yaml:3:3)  no route uses the upstream "spare"; remove it, or name it in a route
`,
  });
});

test('one that cannot: every problem, aligned, and exit code 1', () => {
  const text = `admin:
  tokn: x
upstreams:
  api: { targets: [{ url: "http://127.0.0.1:3000" }] }
routes:
  - name: all
    upstream: apj
`;
  assert.deepEqual(check(text, { SALLYPORT_THREDS: '4' }), {
    code: 1,
    printed: `admin.tokn          (gateway.yaml:2:3)  unknown key "tokn"; did you mean "token"?
routes[0].upstream  (gateway.yaml:7:5)  unknown upstream "apj"; did you mean "api"?
(environment)       (SALLYPORT_THREDS)  unknown setting; did you mean SALLYPORT_THREADS?

3 problems; this configuration cannot run.
`,
  });
});

test('without a file: what the boot would take', () => {
  let printed = '';
  const code = runCheck(undefined, { env: {}, out: (text) => (printed += text), cwd: folder });
  assert.equal(code, 0);
  assert.match(printed, /^OK {2}.*config\/gateway\.yaml\n {4}1 route, 1 upstream with 1 target\n/);
});

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteText } from '../../../../src/base/byte-text.ts';

const NGINX = '/usr/sbin/nginx';
const MODULE = '/usr/lib/nginx/modules/ngx_http_modsecurity_module.so';
const FOUND = 418;
const CLEAN = 404;
const REQUESTS_AT_ONCE = 8;

/** Why there is no oracle on this machine; false where there is one. */
export const NO_ORACLE: string | false =
  !(existsSync(NGINX) && existsSync(MODULE)) && 'nginx and its ModSecurity module are not installed';

/** ModSecurity's @detectXSS, asked over HTTP. */
export interface XssOracle {
  /** @returns  Its verdicts, in the order of the values. */
  ask(values: readonly ByteText[]): Promise<boolean[]>;
  stop(): Promise<void>;
}

export async function startXssOracle(): Promise<XssOracle> {
  const folder = mkdtempSync(join(tmpdir(), 'xss-oracle-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port));
  const nginx = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => nginx.once('exit', () => resolve()));
  const agent = new Agent({ keepAlive: true, maxSockets: REQUESTS_AT_ONCE });
  for (let attempt = 0; ; attempt += 1) {
    const status = await statusOf(agent, port, 'ready').catch(() => 0);
    if (status === CLEAN) break;
    if (attempt === 100 || nginx.exitCode !== null) throw new Error(`nginx does not answer: ${status}`);
    await sleep(50);
  }
  return {
    ask: async (values) => {
      const statuses = await Promise.all(values.map((value) => statusOf(agent, port, value)));
      return statuses.map((status, index) => {
        if (status === FOUND || status === CLEAN) return status === FOUND;
        throw new Error(`${status} for ${JSON.stringify(values[index])}`);
      });
    },
    stop: async () => {
      agent.destroy();
      nginx.kill();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

function configuration(folder: string, port: number): string {
  return `load_module ${MODULE};
daemon off; master_process off; pid ${folder}/pid; error_log /dev/null crit;
events { worker_connections 64; }
http {
  access_log off; large_client_header_buffers 8 64k; keepalive_requests 1000000;
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  server {
    listen 127.0.0.1:${port};
    modsecurity on;
    modsecurity_rules 'SecRuleEngine On
      SecRule ARGS:x "@detectXSS" "id:1,phase:1,deny,nolog,status:${FOUND}"';
    location / { return ${CLEAN}; }
  }
}
`;
}

function statusOf(agent: Agent, port: number, value: ByteText): Promise<number> {
  const path = `/?x=${Buffer.from(value, 'latin1').toString('hex').replace(/../g, '%$&')}`;
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, agent, path }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

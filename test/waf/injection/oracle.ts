import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ByteText } from '../../../src/base/byte-text.ts';

const NGINX = '/usr/sbin/nginx';
const MODULE = '/usr/lib/nginx/modules/ngx_http_modsecurity_module.so';
/** Arguments of one request, and their bytes: far below the bounds set in the rules. */
const BATCH_VALUES = 2_000;
const BATCH_BYTES = 4_000_000;

/** Why the oracle cannot be asked here; false where it can. */
export const NO_ORACLE = existsSync(NGINX) && existsSync(MODULE) ? false : 'nginx with ModSecurity is not installed';

/** ModSecurity with libinjection, in nginx: says what its operator finds in values. */
export interface Oracle {
  /** @returns  For each value what TX.0 holds once the operator matched; an empty text where it did not. */
  judge(values: readonly ByteText[]): Promise<string[]>;
  stop(): Promise<void>;
}

/** @param operator  `detectSQLi` or `detectXSS`. */
export async function startOracle(operator: string): Promise<Oracle> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-oracle-'));
  const port = await freePort();
  writeFileSync(join(folder, 'rules.conf'), rulesFor(operator));
  writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, port));
  const nginx = spawn(NGINX, ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const found = new Map<string, string>();
  const tail: string[] = [];
  let onEnd = (): void => {};
  createInterface({ input: nginx.stderr }).on('line', (line) => {
    const [, fingerprint, name] = /\[msg "([^"]*)"\] \[data "([^"]*)"\]/.exec(line) ?? [];
    if (name === undefined) tail.push(line);
    else if (name === 'ARGS:end') onEnd();
    else found.set(name, fingerprint as string);
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  const send = async (batch: readonly ByteText[]): Promise<string[]> => {
    found.clear();
    // The log comes over another way than the answer: a line known to be there marks its end.
    const ended = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    const body = `${batch.map((text, i) => `v${i}=${encode(text)}`).join('&')}&end=END`;
    await post(port, agent, body);
    await ended;
    return batch.map((_, i) => found.get(`ARGS:v${i}`) ?? '');
  };

  const stop = async (): Promise<void> => {
    agent.destroy();
    if (nginx.exitCode === null) {
      nginx.kill('SIGTERM');
      await once(nginx, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilAnswers(port, agent, nginx);
  } catch (error) {
    await stop();
    throw new Error(`nginx did not start: ${tail.join('\n')}`, { cause: error });
  }
  return {
    judge: async (values) => {
      const verdicts: string[] = [];
      for (const batch of batches(values)) verdicts.push(...(await send(batch)));
      return verdicts;
    },
    stop,
  };
}

function rulesFor(operator: string): string {
  return `SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 33554432
SecRequestBodyNoFilesLimit 33554432
SecArgumentsLimit 100000
SecAuditEngine Off
SecRule ARGS:/^v/ "@${operator}" "id:1,phase:2,pass,log,capture,multiMatch,msg:'%{TX.0}',logdata:'%{MATCHED_VAR_NAME}'"
SecRule ARGS:end "@streq END" "id:2,phase:2,pass,log,msg:'end',logdata:'%{MATCHED_VAR_NAME}'"
`;
}

function nginxConfig(folder: string, port: number): string {
  return `load_module ${MODULE};
daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log stderr info;
events { worker_connections 16; }
http {
  access_log off; client_max_body_size 32m; client_body_buffer_size 32m; keepalive_requests 1000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    modsecurity on; modsecurity_rules_file ${folder}/rules.conf;
    location / { empty_gif; }
  }
}
`;
}

function* batches(values: readonly ByteText[]): Generator<readonly ByteText[]> {
  let from = 0;
  let bytes = 0;
  for (let i = 0; i < values.length; i += 1) {
    bytes += (values[i] as string).length;
    if (i + 1 - from < BATCH_VALUES && bytes < BATCH_BYTES && i + 1 < values.length) continue;
    yield values.slice(from, i + 1);
    from = i + 1;
    bytes = 0;
  }
}

const ENCODED = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).padStart(2, '0')}`);

function encode(text: ByteText): string {
  return text.replace(/[^A-Za-z0-9._-]/g, (byte) => ENCODED[byte.charCodeAt(0)] as string);
}

function post(port: number, agent: Agent, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
        answer.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function untilAnswers(port: number, agent: Agent, nginx: ChildProcess): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await post(port, agent, 'start=1');
      return;
    } catch (error) {
      if (attempt === 100 || nginx.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

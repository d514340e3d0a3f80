import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoggedRequest, LoggingServer } from '../conformance/crs/socket-executor.ts';
import { freePort } from './gateway.ts';
import { LogTail } from './log-tail.ts';
import { auditedRequest } from './modsecurity-audit.ts';
import { crsConfiguration, type RuleSetFolder } from './modsecurity-config.ts';
import { startReflectingUpstream } from './reflecting-upstream.ts';
import { until } from './wait.ts';

/** Where Debian's libnginx-mod-http-modsecurity puts its module. */
const MODULE = '/usr/lib/nginx/modules/ngx_http_modsecurity_module.so';

/** Why libmodsecurity cannot be asked here; false for no reason. */
export const WITHOUT_MODSECURITY: string | false =
  spawnSync('nginx', ['-v'], { env: sbin() }).status === 0 && existsSync(MODULE)
    ? false
    : 'there is no nginx with libnginx-mod-http-modsecurity';

/**
 * nginx with libmodsecurity and a rule set, in front of an upstream that reflects. Its answers are the oracle for ours.
 * It ends with `close`, at the latest with this process.
 *
 * @throws  Error with nginx's words when it does not come up within 20 s.
 */
export async function startModSecurity(ruleSet: RuleSetFolder): Promise<LoggingServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-modsecurity-'));
  // nginx's worker gives up root where it has it, and must still reach its own folder.
  chmodSync(folder, 0o777);
  const upstream = await startReflectingUpstream();
  const [port, barrierPort] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'rules.conf'), crsConfiguration(ruleSet) + auditSettings(folder));
  writeFileSync(join(folder, 'nginx.conf'), nginxConfiguration(port, barrierPort, upstream.port));
  for (const name of ['access.log', 'audit.log']) {
    writeFileSync(join(folder, name), '');
    chmodSync(join(folder, name), 0o666);
  }
  const args = ['-p', folder, '-e', 'error.log', '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'];
  const child = spawn('nginx', args, { cwd: folder, stdio: 'ignore', env: sbin() });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const barrier = (): Promise<boolean> => answered(barrierPort, agent);
  const errorLog = (): string => (existsSync(join(folder, 'error.log')) ? tail(join(folder, 'error.log')) : '');
  try {
    await until('nginx to load the rules', () => dead(child, errorLog) || barrier(), 20_000, 50);
  } catch (error) {
    kill();
    await upstream.close();
    throw new Error(`nginx with ModSecurity did not start: ${errorLog()}`, { cause: error });
  }
  const log = new RequestLog(folder, barrier);
  return {
    name: 'modsecurity',
    port,
    logged: (clientAddress) => log.of(clientAddress),
    close: async () => {
      agent.destroy();
      const gone = child.exitCode === null ? once(child, 'exit') : null;
      child.kill('SIGTERM');
      await gone;
      process.off('exit', kill);
      await upstream.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Finds what was logged for a client: a line in the access log for every request, one in the audit log for most. */
class RequestLog {
  readonly #access: LogTail;
  readonly #audit: LogTail;
  readonly #barrier: () => Promise<boolean>;
  readonly #seen = new Set<string>();
  readonly #requests = new Map<string, LoggedRequest>();

  constructor(folder: string, barrier: () => Promise<boolean>) {
    this.#access = new LogTail(join(folder, 'access.log'));
    this.#audit = new LogTail(join(folder, 'audit.log'));
    this.#barrier = barrier;
  }

  async of(clientAddress: string): Promise<LoggedRequest> {
    // The one worker writes both lines in one go. When it answers something else, they are both there or both not.
    for (const deadline = performance.now() + 3_000; performance.now() < deadline; await delay(2)) {
      await this.#barrier();
      this.#read();
      if (this.#seen.delete(clientAddress)) break;
    }
    const found = this.#requests.get(clientAddress) ?? { ids: [], lines: [] };
    this.#requests.delete(clientAddress);
    return found;
  }

  #read(): void {
    for (const line of this.#access.lines()) this.#seen.add(line);
    for (const line of this.#audit.lines()) {
      const { clientAddress, ...found } = auditedRequest(line);
      const former = this.#requests.get(clientAddress) ?? { ids: [], lines: [] };
      this.#requests.set(clientAddress, {
        ids: [...new Set([...former.ids, ...found.ids])],
        lines: [...former.lines, ...found.lines],
      });
    }
  }
}

function auditSettings(folder: string): string {
  return `SecTmpDir ${folder}
SecDataDir ${folder}
SecAuditEngine On
SecAuditLogFormat JSON
SecAuditLogParts AHZ
SecAuditLogType Serial
SecAuditLog ${folder}/audit.log
`;
}

/** One worker, so that what it does has an order. Field names that nginx would drop are let through. */
function nginxConfiguration(port: number, barrierPort: number, upstreamPort: number): string {
  return `load_module ${MODULE};
worker_processes 1;
pid nginx.pid;
error_log error.log error;
events { worker_connections 1024; }
http {
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  default_type text/plain;
  log_format client '$remote_addr';
  access_log off;
  lingering_close off;
  server_tokens off;
  keepalive_timeout 60s;
  keepalive_requests 1000000000;
  large_client_header_buffers 8 128k;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  underscores_in_headers on;
  ignore_invalid_headers off;
  server {
    listen 127.0.0.1:${barrierPort};
    location / { return 204; }
  }
  server {
    listen 127.0.0.1:${port};
    access_log access.log client;
    modsecurity on;
    modsecurity_rules_file rules.conf;
    location / {
      proxy_pass http://127.0.0.1:${upstreamPort};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host localhost;
    }
  }
}
`;
}

/** A request that the worker answers from memory, when it is through with what came before. */
function answered(port: number, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ port, host: '127.0.0.1', agent }, (response) => {
      response.resume();
      response.once('end', () => resolve(true));
    });
    request.once('error', () => resolve(false));
  });
}

function dead(child: ChildProcess, words: () => string): false {
  if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${words()}`);
  return false;
}

function tail(path: string): string {
  return readFileSync(path, 'utf8').slice(-2_000);
}

/** Debian keeps servers in sbin, which a plain user's PATH leaves out. */
function sbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
}

import { readFileSync } from 'node:fs';
import { routePath } from '../duties.ts';
import { list } from '../random.ts';
import { versionOf } from '../servers.ts';
import { BODY_BYTES_MAX, CLIENTS_MAX, given, IDLE_CONNECTIONS, type Peer, type PeerSetup } from './peer.ts';

export const nginx: Peer = {
  name: 'nginx',
  can: ['forwarded', 'access-log', 'limiter', 'api-key', 'routes'],
  log: { file: 'access.log', mark: '"durationMs":' },
  version: () => versionOf('nginx', '-v'),
  launch: (setup) => ({
    command: 'nginx',
    args: nginxArguments('nginx.conf'),
    files: { 'nginx.conf': nginxConfig(setup) },
  }),
};

/** In the server's own folder, in the foreground, and without a look at the system's files. */
export function nginxArguments(file: string): readonly string[] {
  return ['-p', '.', '-e', 'error.log', '-c', file, '-g', 'daemon off;'];
}

/** What another module needs: directives in front of everything, and in the server. */
export interface NginxModule {
  readonly main: string;
  readonly server: string;
}

/** A proxy. @param firewall  With a module, forwarded fields are sent as Sallyport always does. */
export function nginxConfig(setup: PeerSetup, firewall: NginxModule = { main: '', server: '' }): string {
  const http = [
    setup.duties.includes('access-log') ? LOG_FORMAT : '',
    setup.duties.includes('limiter') ? LIMIT_ZONE : '',
    setup.duties.includes('api-key') ? keyMap(setup) : '',
  ];
  return nginxHttp(http.join('') + serverOf(setup, firewall.server), firewall.main, setup.threads);
}

/** @param http  Blocks inside `http`. @param main  Directives in front of everything. */
export function nginxHttp(http: string, main = '', workers = 1): string {
  return `${main}worker_processes ${workers};
pid nginx.pid;
error_log error.log error;
worker_rlimit_nofile ${CLIENTS_MAX + 4_096};
events {
  worker_connections ${CLIENTS_MAX + 2_048};
  multi_accept on;
}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  default_type application/json;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  server_tokens off;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
${http}}
`;
}

const LOG_FORMAT = `  log_format access escape=json '{"time":$msec,"requestId":"$request_id","client":"$remote_addr",'
    '"method":"$request_method","host":"$host","path":"$uri","status":$status,"upstream":"$upstream_addr",'
    '"durationMs":"$request_time","upstreamMs":"$upstream_header_time","bytesIn":$request_length,'
    '"bytesOut":$bytes_sent,"userAgent":"$http_user_agent"}';
`;

// Gathered as Sallyport gathers its lines: one write per 32 KiB or 100 ms.
const LOG = `    access_log access.log access buffer=32k flush=100ms;
`;
const LIMIT_ZONE = `  limit_req_zone $binary_remote_addr zone=clients:4m rate=1r/m;
`;
const FORWARDED = `    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Request-Id $request_id;
`;
const KEY_CHECK = `    if ($key_is_known = 0) {
      return 401;
    }
`;

/** Its bucket leaks one request a minute: what passes is the burst. */
function limitOf({ requestsAllowed }: PeerSetup): string {
  return `    limit_req zone=clients burst=${Math.max(1, requestsAllowed - 1)} nodelay;
    limit_req_status 429;
    limit_req_log_level info;
`;
}

function keyMap(setup: PeerSetup): string {
  const keys = readFileSync(given(setup.credentials, 'credentials').apiKeysFile, 'utf8').trim().split('\n');
  return `  map_hash_bucket_size 128;
  map $http_x_api_key $key_is_known {
    default 0;
${keys.map((key) => `    ${key} 1;\n`).join('')}  }
`;
}

/** Bodies stream both ways, never through a file: nginx's default keeps uploads back and may spill both to disk. */
function serverOf(setup: PeerSetup, firewall: string): string {
  const { port, upstreamPort, duties, tls, threads } = setup;
  const listen = `${port}${tls === null ? '' : ' ssl'}${threads > 1 ? ' reuseport' : ''}`;
  return `  upstream main {
    server 127.0.0.1:${upstreamPort};
    keepalive ${IDLE_CONNECTIONS};
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }
  server {
    listen 127.0.0.1:${listen};
${tls === null ? '' : tlsOf(tls.certificateFile, tls.keyFile)}${duties.includes('access-log') ? LOG : ''}${firewall}\
${duties.includes('limiter') ? limitOf(setup) : ''}${duties.includes('api-key') ? KEY_CHECK : ''}\
    client_max_body_size ${BODY_BYTES_MAX};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
${duties.includes('forwarded') || firewall !== '' ? FORWARDED : ''}    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
${locationsOf(setup)}  }
`;
}

function locationsOf({ duties, routes }: PeerSetup): string {
  const location = (path: string) => `    location ${path} {\n      proxy_pass http://main;\n    }\n`;
  if (!duties.includes('routes')) return location('/');
  const all = list(routes, (index) => location(`${routePath(index)}/`));
  return `${all.join('')}    location / {\n      return 404;\n    }\n`;
}

function tlsOf(certificateFile: string, keyFile: string): string {
  return `    ssl_certificate ${certificateFile};
    ssl_certificate_key ${keyFile};
    ssl_protocols TLSv1.3;
`;
}

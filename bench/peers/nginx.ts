import { versionOf } from '../servers.ts';
import { IDLE_CONNECTIONS, type Peer, type PeerSetup } from './peer.ts';

export const nginx: Peer = {
  name: 'nginx',
  firewall: 'never',
  version: () => versionOf('nginx', '-v'),
  launch: (setup) => ({
    command: 'nginx',
    args: nginxArguments('nginx.conf'),
    files: { 'nginx.conf': nginxConfig(serverOf(setup), setup.duties ? LOG_FORMAT : '') },
  }),
};

/** In the server's own folder, in the foreground, and without a look at the system's files. */
export function nginxArguments(file: string): readonly string[] {
  return ['-p', '.', '-e', 'error.log', '-c', file, '-g', 'daemon off;'];
}

/**
 * @param server  Blocks inside `http`.
 * @param before  Directives in front of them.
 * @param main    Directives in front of everything.
 */
export function nginxConfig(server: string, before = '', main = ''): string {
  return `${main}worker_processes 1;
pid nginx.pid;
error_log error.log error;
worker_rlimit_nofile 8192;
events {
  worker_connections 4096;
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
${before}${server}}
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
const FORWARDED = `      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Id $request_id;
`;

/**
 * Bodies stream both ways, never through a file: nginx's default keeps uploads back and may spill both to disk.
 *
 * @param firewall  Directives of the server for its rules; forwarded fields are sent beside them.
 */
export function serverOf({ port, upstreamPort, duties, tls }: PeerSetup, firewall = ''): string {
  return `  upstream main {
    server 127.0.0.1:${upstreamPort};
    keepalive ${IDLE_CONNECTIONS};
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }
  server {
    listen 127.0.0.1:${port}${tls === null ? '' : ' ssl'};
${tls === null ? '' : tlsOf(tls.certificateFile, tls.keyFile)}${duties ? LOG : ''}${firewall}    client_max_body_size 16m;
    location / {
      proxy_pass http://main;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
${duties || firewall !== '' ? FORWARDED : ''}      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }
  }
`;
}

function tlsOf(certificateFile: string, keyFile: string): string {
  return `    ssl_certificate ${certificateFile};
    ssl_certificate_key ${keyFile};
    ssl_protocols TLSv1.3;
`;
}

import { AUDIENCE, ISSUER, KEY_HEADER } from '../credentials.ts';
import { routePath } from '../duties.ts';
import { list } from '../random.ts';
import { versionOf } from '../servers.ts';
import { CLIENTS_MAX, given, LIMIT_WINDOW_SECONDS, type Peer, type PeerSetup } from './peer.ts';

export const haproxy: Peer = {
  name: 'haproxy',
  can: ['forwarded', 'access-log', 'limiter', 'jwt', 'api-key', 'routes'],
  log: { file: 'stdout.log', mark: '"durationMs":' },
  version: () => versionOf('haproxy', '-v'),
  launch: (setup) => ({
    command: 'haproxy',
    args: ['-db', '-f', 'haproxy.cfg'],
    files: {
      'haproxy.cfg': haproxyConfig(setup),
      'routes.map': list(setup.routes, (index) => `${routePath(index)}/ main\n`).join(''),
    },
  }),
};

// HAProxy writes no file by itself: its lines go to standard output, which is one.
const LOG_FORMAT = [
  '{"time":"%Ts.%ms","requestId":"%ID","client":"%ci","method":"%HM","host":"%[capture.req.hdr(0),json(utf8s)]",',
  '"path":"%[var(txn.path),json(utf8s)]","status":%ST,"upstream":"%si:%sp","durationMs":%Ta,"upstreamMs":%Tr,',
  '"bytesIn":%U,"bytesOut":%B,"userAgent":"%[capture.req.hdr(1),json(utf8s)]"}',
].join('');

const LOG = `  log global
  capture request header Host len 255
  capture request header User-Agent len 256
  http-request set-var(txn.path) path
  log-format '${LOG_FORMAT}'
`;
const REQUEST_ID = `  unique-id-format %{+X}o%ci%cp%Ts%rt%pid
`;
const FORWARDED = `  unique-id-header X-Request-Id
  option forwardfor
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
`;

function limitOf({ requestsAllowed }: PeerSetup): string {
  return `  stick-table type ip size 100k expire ${LIMIT_WINDOW_SECONDS}s store http_req_rate(${LIMIT_WINDOW_SECONDS}s)
  http-request track-sc0 src
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${requestsAllowed} }
`;
}

/** What a verifier must look at (RFC 9068 4): signature by the algorithm of the key, issuer, audience, expiry. */
function tokenCheck(publicKeyFile: string): string {
  return `  http-request set-var(txn.token) http_auth_bearer
  http-request deny deny_status 401 unless { var(txn.token),jwt_header_query('$.alg') -m str ES256 }
  http-request deny deny_status 401 unless { var(txn.token),jwt_verify("ES256","${publicKeyFile}") 1 }
  http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.iss') -m str ${ISSUER} }
  http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.aud') -m str ${AUDIENCE} }
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now) -m int gt 0 }
`;
}

const ROUTES = `  http-request return status 404 unless { path,map_beg(routes.map) -m found }
  use_backend %[path,map_beg(routes.map)]
`;

function dutiesOf(setup: PeerSetup): string {
  const { duties } = setup;
  const isLogged = duties.includes('access-log');
  const isForwarded = duties.includes('forwarded');
  const credentials = () => given(setup.credentials, 'credentials');
  return [
    isLogged ? LOG : '',
    isLogged || isForwarded ? REQUEST_ID : '',
    isForwarded ? FORWARDED : '',
    duties.includes('limiter') ? limitOf(setup) : '',
    duties.includes('jwt') ? tokenCheck(credentials().publicKeyFile) : '',
    duties.includes('api-key')
      ? `  http-request deny deny_status 401 unless { req.hdr(${KEY_HEADER}) -m str -f ${credentials().apiKeysFile} }\n`
      : '',
    duties.includes('routes') ? ROUTES : '',
  ].join('');
}

// `http-reuse always`: by its default, a client's first request never goes over a connection that others have used, and
// the case with a new connection for every request would measure connecting to the upstream as well.
// `no strict-limits`: it reckons with two descriptors per client, and few of the clients ever need a second one.
function haproxyConfig(setup: PeerSetup): string {
  const { port, upstreamPort, duties, tls, threads } = setup;
  const ssl = tls === null ? '' : ` ssl crt ${tls.bundleFile} ssl-min-ver TLSv1.3`;
  return `global
  nbthread ${threads}
  no strict-limits
  maxconn ${CLIENTS_MAX}
${duties.includes('access-log') ? '  log stdout format raw local0 info\n' : ''}defaults
  mode http
  timeout client 1h
  timeout server 1h
  timeout connect 5s
  timeout http-keep-alive 1h
  option http-keep-alive
  http-reuse always
frontend front
  bind 127.0.0.1:${port}${ssl}
${dutiesOf(setup)}  default_backend main
backend main
  server one 127.0.0.1:${upstreamPort} pool-purge-delay 1h
`;
}

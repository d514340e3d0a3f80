import { versionOf } from '../servers.ts';
import type { Peer, PeerSetup } from './peer.ts';

export const haproxy: Peer = {
  name: 'haproxy',
  firewall: 'never',
  version: () => versionOf('haproxy', '-v'),
  launch: (setup) => ({
    command: 'haproxy',
    args: ['-db', '-f', 'haproxy.cfg'],
    files: { 'haproxy.cfg': haproxyConfig(setup) },
  }),
};

// HAProxy writes no file by itself: its lines go to standard output, which is one.
const LOG_FORMAT = [
  '{"time":"%Ts.%ms","requestId":"%ID","client":"%ci","method":"%HM","host":"%[capture.req.hdr(0),json(utf8s)]",',
  '"path":"%[var(txn.path),json(utf8s)]","status":%ST,"upstream":"%si:%sp","durationMs":%Ta,"upstreamMs":%Tr,',
  '"bytesIn":%U,"bytesOut":%B,"userAgent":"%[capture.req.hdr(1),json(utf8s)]"}',
].join('');

const DUTIES = `  log global
  capture request header Host len 255
  capture request header User-Agent len 256
  http-request set-var(txn.path) path
  log-format '${LOG_FORMAT}'
  unique-id-format %{+X}o%ci%cp%Ts%rt%pid
  unique-id-header X-Request-Id
  option forwardfor
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
`;

// `http-reuse always`: by its default, a client's first request never goes over a connection that others have used, and
// the case with a new connection for every request would measure connecting to the upstream as well.
function haproxyConfig({ port, upstreamPort, duties, tls }: PeerSetup): string {
  const ssl = tls === null ? '' : ` ssl crt ${tls.bundleFile} ssl-min-ver TLSv1.3`;
  return `global
  nbthread 1
  maxconn 4096
${duties ? '  log stdout format raw local0 info\n' : ''}defaults
  mode http
  timeout client 1h
  timeout server 1h
  timeout connect 5s
  timeout http-keep-alive 1h
  option http-keep-alive
  http-reuse always
frontend front
  bind 127.0.0.1:${port}${ssl}
${duties ? DUTIES : ''}  default_backend main
backend main
  server one 127.0.0.1:${upstreamPort} pool-purge-delay 1h
`;
}

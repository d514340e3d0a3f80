import { versionOf } from '../servers.ts';
import { IDLE_CONNECTIONS, type Peer, type PeerSetup } from './peer.ts';

export const caddy: Peer = {
  name: 'caddy',
  can: ['forwarded', 'access-log'],
  log: { file: 'access.log', mark: '"duration":' },
  version: () => versionOf('caddy', 'version'),
  launch: (setup) => ({
    command: 'caddy',
    args: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    // It writes what it keeps below these, and nowhere else.
    env: { GOMAXPROCS: String(setup.threads), HOME: '.', XDG_DATA_HOME: 'data', XDG_CONFIG_HOME: 'config' },
    files: { Caddyfile: caddyConfig(setup) },
  }),
};

// Its line has no field for a request id but those of the answer.
const ANSWER_ID = `  header X-Request-Id {http.request.uuid}
`;
const LOG = `  log {
    output file access.log {
      roll_disabled
    }
    format json
  }
`;

// X-Forwarded-* it sends always.
function caddyConfig({ port, upstreamPort, duties, tls }: PeerSetup): string {
  return `{
  admin off
  auto_https off
  default_bind 127.0.0.1
  log {
    level ERROR
  }
  servers {
    protocols h1
  }
}
${tls === null ? 'http' : 'https'}://:${port} {
${tls === null ? '' : tlsOf(tls.certificateFile, tls.keyFile)}\
${duties.includes('forwarded') ? ANSWER_ID : ''}${duties.includes('access-log') ? LOG : ''}  reverse_proxy 127.0.0.1:${upstreamPort} {
${duties.includes('forwarded') ? '    header_up X-Request-Id {http.request.uuid}\n' : ''}    transport http {
      compression off
      keepalive_idle_conns_per_host ${IDLE_CONNECTIONS}
    }
  }
}
`;
}

function tlsOf(certificateFile: string, keyFile: string): string {
  return `  tls ${certificateFile} ${keyFile} {
    protocols tls1.3
  }
`;
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AUDIENCE, ISSUER } from '../credentials.ts';
import { routePath } from '../duties.ts';
import { list } from '../random.ts';
import { BODY_BYTES_MAX, given, IDLE_CONNECTIONS, LIMIT_WINDOW_SECONDS, type Peer, type PeerSetup } from './peer.ts';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const PACKAGE = new URL('../../../package.json', import.meta.url);

export const sallyport: Peer = {
  name: 'sallyport',
  can: ['forwarded', 'access-log', 'limiter', 'jwt', 'api-key', 'baseline', 'rules', 'metrics', 'routes'],
  log: { file: 'stdout.log', mark: '"durationMs":' },
  version: () => `sallyport ${(JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version}`,
  launch: (setup) => ({
    command: process.execPath,
    args: [CLI, 'serve'],
    env: { ...withoutOurs(process.env), SALLYPORT_CONFIG: 'gateway.yaml' },
    files: {
      'gateway.yaml': `${JSON.stringify(sallyportConfig(setup), null, 2)}\n`,
      ...(setup.duties.includes('api-key') ? { 'api-keys': given(setup.credentials, 'credentials').apiKeyStore } : {}),
    },
  }),
};

/** JSON is YAML. Everything that is not said here is as it comes: guards, limits, forwarding fields, metrics. */
function sallyportConfig(setup: PeerSetup): object {
  const { port, upstreamPort, duties, tls } = setup;
  const certificates = tls === null ? [] : [{ certificate: tls.certificateFile, key: tls.keyFile }];
  return {
    threads: setup.threads,
    listen: {
      host: '127.0.0.1',
      http: { port: tls === null ? port : 0 },
      https: { port: tls === null ? 0 : port },
    },
    tls: { certificates },
    admin: { port: setup.adminPort },
    limits: { bodyBytesMax: BODY_BYTES_MAX },
    log: { access: duties.includes('access-log'), format: 'json' },
    waf: firewallOf(setup),
    upstreams: {
      main: { targets: [{ url: `http://127.0.0.1:${upstreamPort}` }], keepAlive: { connectionsMax: IDLE_CONNECTIONS } },
    },
    ...limiterOf(setup),
    ...callersOf(setup),
    routes: routesOf(setup),
  };
}

/** Where nobody is asked to inspect, the peers inspect nothing either. */
function firewallOf({ duties, ruleSet }: PeerSetup): object {
  if (duties.includes('baseline')) return { baseline: 'on' };
  if (!duties.includes('rules')) return { baseline: 'off' };
  const { setup, rules } = given(ruleSet, 'rule set');
  return { rules: [setup, rules], responseTypes: [] };
}

function limiterOf({ duties, requestsAllowed }: PeerSetup): object {
  if (!duties.includes('limiter')) return {};
  const windows = [{ limit: requestsAllowed, windowMs: LIMIT_WINDOW_SECONDS * 1_000 }];
  return { rateLimits: { clients: { key: ['address'], everyRoute: true, windows } } };
}

function callersOf({ duties, credentials }: PeerSetup): object {
  if (duties.includes('jwt')) {
    const keys = { source: 'files', files: [given(credentials, 'credentials').publicKeyFile] };
    return { issuers: { bench: { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['ES256'], keys } } };
  }
  if (!duties.includes('api-key')) return {};
  return { apiKeys: { store: 'file', file: 'api-keys', secret: given(credentials, 'credentials').apiKeySecret } };
}

function routesOf({ duties, routes }: PeerSetup): readonly object[] {
  const auth = {
    ...(duties.includes('jwt') ? { issuers: ['bench'] } : {}),
    ...(duties.includes('api-key') ? { apiKeys: true } : {}),
  };
  const policies = { auth };
  if (!duties.includes('routes')) return [{ name: 'all', upstream: 'main', policies }];
  return list(routes, (index) => ({
    name: `route-${index}`,
    paths: [`${routePath(index)}/*`],
    upstream: 'main',
    policies,
  }));
}

/** Settings of the shell that started the benchmark must not reach the gateway that is measured. */
function withoutOurs(env: NodeJS.ProcessEnv): Record<string, undefined> {
  const names = Object.keys(env).filter((name) => name.startsWith('SALLYPORT_') || name === 'NODE_OPTIONS');
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

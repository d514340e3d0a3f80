import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { IDLE_CONNECTIONS, type Peer, type PeerSetup } from './peer.ts';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const PACKAGE = new URL('../../../package.json', import.meta.url);

export const sallyport: Peer = {
  name: 'sallyport',
  firewall: 'either',
  version: () => `sallyport ${(JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version}`,
  launch: (setup) => ({
    command: process.execPath,
    args: [CLI, 'serve'],
    env: { ...withoutOurs(process.env), SALLYPORT_CONFIG: 'gateway.yaml' },
    files: { 'gateway.yaml': sallyportConfig(setup) },
  }),
};

/** JSON is YAML. Everything that is not said here is as it comes: guards, limits, forwarding fields, metrics. */
function sallyportConfig({ port, upstreamPort, duties, tls, ruleSet }: PeerSetup): string {
  const certificates = tls === null ? [] : [{ certificate: tls.certificateFile, key: tls.keyFile }];
  const config = {
    threads: 1,
    listen: {
      host: '127.0.0.1',
      http: { port: tls === null ? port : 0 },
      https: { port: tls === null ? 0 : port },
    },
    tls: { certificates },
    admin: { port: 0 },
    log: { access: duties, format: 'json' },
    // The peers inspect nothing either.
    waf: { baseline: 'off' },
    upstreams: {
      main: { targets: [{ url: `http://127.0.0.1:${upstreamPort}` }], keepAlive: { connectionsMax: IDLE_CONNECTIONS } },
    },
    ...(ruleSet === null ? {} : { waf: { rules: [ruleSet.setup, ruleSet.rules], responseTypes: [] } }),
    routes: [{ name: 'all', upstream: 'main' }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Settings of the shell that started the benchmark must not reach the gateway that is measured. */
function withoutOurs(env: NodeJS.ProcessEnv): Record<string, undefined> {
  const names = Object.keys(env).filter((name) => name.startsWith('SALLYPORT_') || name === 'NODE_OPTIONS');
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

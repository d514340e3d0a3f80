import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { AUDIENCE, ISSUER } from '../credentials.ts';
import { FASTIFY_CONFIG, type FastifyConfig } from './fastify-config.ts';
import { BODY_BYTES_MAX, given, IDLE_CONNECTIONS, LIMIT_WINDOW_SECONDS, type Peer } from './peer.ts';

const PROCESS = fileURLToPath(new URL('./fastify-process.js', import.meta.url));
const PARTS = ['fastify', '@fastify/http-proxy', '@fastify/rate-limit', '@fastify/jwt'];

/** What a team with Node would put together. */
export const fastify: Peer = {
  name: 'fastify',
  can: ['limiter', 'jwt'],
  log: { file: 'stdout.log', mark: '' },
  version: () => PARTS.map((name) => `${name} ${versionOfPackage(name)}`).join(', '),
  launch: (setup) => {
    const has = (duty: 'limiter' | 'jwt') => setup.duties.includes(duty);
    const config: FastifyConfig = {
      port: setup.port,
      upstream: `http://127.0.0.1:${setup.upstreamPort}`,
      connections: IDLE_CONNECTIONS,
      bodyBytesMax: BODY_BYTES_MAX,
      limit: has('limiter') ? { requests: setup.requestsAllowed, seconds: LIMIT_WINDOW_SECONDS } : null,
      tokens: has('jwt')
        ? { publicKeyFile: given(setup.credentials, 'credentials').publicKeyFile, issuer: ISSUER, audience: AUDIENCE }
        : null,
    };
    return {
      command: process.execPath,
      args: [PROCESS],
      env: { NODE_ENV: 'production', NODE_OPTIONS: undefined },
      files: { [FASTIFY_CONFIG]: JSON.stringify(config) },
    };
  },
};

function versionOfPackage(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return version;
}

// A gateway of Fastify and its own plugins, as their manuals have it: limit first, then the token, then the proxy.
import { readFileSync } from 'node:fs';
import httpProxy from '@fastify/http-proxy';
import jwt from '@fastify/jwt';
import rateLimit from '@fastify/rate-limit';
import fastify from 'fastify';
import { FASTIFY_CONFIG, type FastifyConfig } from './fastify-config.ts';

const config = JSON.parse(readFileSync(FASTIFY_CONFIG, 'utf8')) as FastifyConfig;
const { limit, tokens } = config;
const server = fastify({ logger: false, keepAliveTimeout: 3_600_000, bodyLimit: config.bodyBytesMax });

if (limit !== null) await server.register(rateLimit, { max: limit.requests, timeWindow: limit.seconds * 1_000 });
if (tokens !== null) {
  await server.register(jwt, {
    secret: { public: readFileSync(tokens.publicKeyFile) },
    // Tokens that were good are remembered.
    verify: { algorithms: ['ES256'], allowedIss: tokens.issuer, allowedAud: tokens.audience, cache: true },
  });
}
await server.register(httpProxy, {
  upstream: config.upstream,
  undici: { connections: config.connections, pipelining: 1 },
  ...(tokens === null ? {} : { preHandler: async (request) => void (await request.jwtVerify()) }),
});
await server.listen({ port: config.port, host: '127.0.0.1' });

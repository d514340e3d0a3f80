import { type Static, Type } from '@sinclair/typebox';
import { count, flag, list, millis, oneOf, section, text } from './schema-kit.ts';

export const Redis = section('Redis or Valkey, through which several gateways share counts. Changes need a restart.', {
  mode: oneOf('How it is set up.', ['off', 'single', 'sentinel', 'cluster'], 'off'),
  nodes: list(
    Type.String({ pattern: '^[^\\s/:@\\[\\]]+:[0-9]{1,5}$|^\\[[0-9A-Fa-f:.]+\\]:[0-9]{1,5}$', form: 'host:port' }),
    'host:port of the server, of the sentinels, or of some nodes of the cluster.',
  ),
  sentinelName: text('Name of the master that the sentinels watch.', 'mymaster', { minLength: 1 }),
  username: text('User name; empty for the default user.', ''),
  password: text('Password; empty for none.', '', { secret: true }),
  sentinelPassword: text('Password of the sentinels; empty for none.', '', { secret: true }),
  database: count('Database number; a cluster has 0 only.', 0, 0, 1_023),
  tls: section('Encryption towards Redis and the sentinels.', {
    enabled: flag('Use TLS.', false),
    verify: flag('Check the certificate. Off is for tests.', true),
    serverName: text('Name asked for (SNI) and checked; empty for the node’s host.', '', {
      pattern: '^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)?$',
      form: 'a host name such as redis.example.com',
    }),
    ca: text('PEM file of the authorities trusted; empty for the system’s.', '', { file: true }),
  }),
  prefix: text('Begins every key.', 'sallyport:', {
    pattern: '^[!-z|~]{0,64}$',
    form: 'up to 64 characters without blanks and braces',
  }),
  keySecret: text(
    'Secret that keys of shared counts are hashed with: the same on every gateway, at least 16 characters.',
    '',
    { secret: true },
  ),
  connectMs: millis('Longest wait for a connection, TLS and greeting included.', 1_000, 10, 60_000),
  timeoutMs: millis('Longest wait for an answer before Redis counts as gone.', 50, 5, 10_000),
});

export type RedisConfig = Static<typeof Redis>;

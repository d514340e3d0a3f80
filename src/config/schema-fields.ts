import { Type } from '@sinclair/typebox';

/** Settings about header fields: what proxies claim, what stays of an upstream's answer. */

/** Written by CDNs, balancers and proxies that authenticate; RFC 9440 2.4 asks the same for Client-Cert. */
const CLAIMS = [
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'client-cert',
  'client-cert-chain',
  'client-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'forwarded-for',
  'remote-addr',
  'remote-user',
  'ssl-client-cert',
  'true-client-ip',
  'x-appengine-user-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-client-cert',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-forwarded',
  'x-forwarded-client-cert',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-method',
  'x-forwarded-preferred-username',
  'x-forwarded-prefix',
  'x-forwarded-uri',
  'x-forwarded-user',
  'x-original-forwarded-for',
  'x-original-host',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-originating-ip',
  'x-real-ip',
  'x-remote-addr',
  'x-remote-ip',
  'x-remote-user',
  'x-rewrite-url',
  'x-ssl-client-cert',
  'x-ssl-client-s-dn',
  'x-ssl-client-verify',
] as const;

/** `forwarding.claims` */
export const Claims = Type.Array(
  Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9-]{0,63}$', form: 'a field name of letters, digits and -' }),
  {
    description:
      'Fields that say something about the client or about the request as it was: passed on from trusted proxies, removed from everybody else’s requests.',
    default: [...CLAIMS],
    maxItems: 128,
  },
);

/** Fields of answers that are removed unless `answers.keep` names them. */
export const KEPT_BY_CHOICE = ['server', 'strict-transport-security', 'x-powered-by'] as const;

/** `answers.keep` */
export const KeptFields = Type.Array(
  Type.Unsafe<(typeof KEPT_BY_CHOICE)[number]>({ type: 'string', enum: [...KEPT_BY_CHOICE] }),
  {
    description:
      'Fields passed on although they are removed by default: server, x-powered-by; strict-transport-security where TLS ends before the gateway. A change needs a restart.',
    default: [],
  },
);

/** The hand-written part of docs/config.md. */
export const INTRODUCTION = `
# Configuration

<!-- Made from src/config/schema.ts and src/config/docs-introduction.ts: change those, then \`npm run generate\`. -->

Sallyport reads one YAML 1.2 file (JSON is YAML too). \`SALLYPORT_CONFIG\` names it; without, \`config/gateway.yaml\` of the
project runs. A whole configuration can be this short:

\`\`\`yaml
upstreams:
  orders:
    targets:
      - url: http://10.0.0.5:3000

routes:
  - name: orders
    paths: ["/orders/*"]
    upstream: orders
\`\`\`

\`config/gateway.example.yaml\` shows every key with its default. The first line of both files tells editors with a YAML
plug-in where the schema is, so that they complete keys and underline mistakes.

## Check before you run

\`\`\`
$ sallyport check gateway.yaml
routes[1].upstream  (gateway.yaml:14:5)  unknown upstream "apj"; did you mean "api"?
admin.tokn          (gateway.yaml:3:3)   unknown key "tokn"; did you mean "token"?

2 problems; this configuration cannot run.
\`\`\`

Every problem is named at once, with its key, line and remedy, and the exit code is 1. The boot and a reload apply the
same checks. Nothing is coerced, dropped or guessed: an unknown key, a number in quotes, a key given twice, a reference to
nothing, two routes that would fight over a request all stop the boot.

## References

| In a text value | Becomes |
|---|---|
| \`\${NAME}\` | the environment variable NAME; an unset one is a problem |
| \`\${NAME:-default}\` | the same, or \`default\` where NAME is unset or empty |
| \`file:/run/secrets/token\` | the content of that file, its last line end dropped; the whole value, at most 64 KiB |
| \`$\${NAME}\` | the plain text \`\${NAME}\` |

References work in texts only. Relative file names, of references and of keys that name a file, start at the folder of the
configuration file. What a reference brings is not looked at for further references, and is never printed in a message;
neither are values of secret keys. Keep secrets out of the file: \`token: file:/run/secrets/admin-token\`.

## Environment

Every key can be set by an environment variable, which wins over the file. The name is \`SALLYPORT_\` and the key's path in
capitals, words parted by \`_\`: \`limits.headBytesMax\` is \`SALLYPORT_LIMITS_HEAD_BYTES_MAX\`.

- Items of a list have their index, from 0: \`SALLYPORT_ROUTES_0_UPSTREAM\`. The first free index adds an item.
- Upstreams and rate limits have their name in capitals, \`-\` as \`_\`: \`SALLYPORT_UPSTREAMS_ORDERS_BALANCE\`. They must be
  in the file.
- Lists are one variable with commas: \`SALLYPORT_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.7\`.
- Integers are digits, booleans \`true\` or \`false\`. Texts may be references.
- A variable of this prefix that names no setting stops the boot, like an unknown key. Variables that Kubernetes makes for a
  service called \`sallyport\` are passed over.

| Not settings | |
|---|---|
| \`SALLYPORT_CONFIG\` | the configuration file |
| \`SALLYPORT_UPSTREAM\` | the one target of the upstream \`default\`, when no configuration file is named |
| \`SALLYPORT_SHARED\`, \`SALLYPORT_TEST_*\` | for the project's own tests |

## Reload

SIGHUP or \`sallyport reload\` reads and checks the file again, then switches every thread to it. On any problem the old
configuration stays and the log says why. Running requests and open WebSockets are not disturbed.

Some settings are read once, at start, and need a restart: \`listen.*\`, \`threads\`, \`admin.host\`, \`admin.port\`,
\`limits.headBytesMax\`, \`limiter.slots\`, \`limiter.exchangeMs\`, \`redis\`, \`abuse.bansMax\`, \`abuse.file\`,
\`revocations.max\`, \`revocations.file\`, \`dpop.replaysMax\`, \`apiKeys.store\`, \`apiKeys.file\`, \`apiKeys.secret\`,
\`apiKeys.environment\`, \`apiKeys.keysMax\`, \`apiKeys.exchangeMs\`,
\`revocations.max\`, \`revocations.file\`, \`dpop.replaysMax\`, \`waf.inspectThreads\` and \`answers.keep\`.

## Addresses and rate limits

- Addresses are those of clients behind \`trustedProxies\`: without the balancer on that list, all clients are one.
- \`denyFiles\` and \`allowFiles\` hold one address or range a line, thousands if need be; \`#\` begins a comment. A line that is
  neither is a problem like any other.
- A denied address stays denied, whatever \`allow\` says. A route's lists hold beside the gateway's: both must let it pass.
- IPv4 and IPv6 are apart: \`0.0.0.0/0\` says nothing about IPv6, \`::/0\` nothing about IPv4.
- A configuration where a request costs more than a limit is refused: no such request would ever be admitted.
- [rate-limits.md](rate-limits.md) shows policies, and what clients are told.

## Callers

[authentication.md](authentication.md) is about who may call; of the sections behind it, \`issuers\` are in
[issuers.md](issuers.md), \`introspection\` in [introspection.md](introspection.md), \`logins\` in [login.md](login.md),
\`apiKeys\` in [api-keys.md](api-keys.md), \`dpop\` in [dpop.md](dpop.md) and \`revocations\` in [revocation.md](revocation.md).

## Firewall

\`waf\` and \`policies.waf\` are in [waf.md](waf.md). Rule files are read with the configuration: a reload reads them again.

## Paths, hosts and methods

- \`/a/b\` is that path alone, \`/a/{id}\` has one segment in the place of \`{id}\`, \`/a/*\` is everything below. Exact
  segments win over parameters, parameters over \`*\`; exact hosts over wildcards, wildcards over none.
- Paths are compared after normalisation, so patterns have no \`//\`, \`.\` or \`..\`, and \`%XX\` only in capitals and for
  characters that need it: \`/caf%C3%A9\`.
- In brackets YAML wants quotes around braces: \`paths: ["/a/{id}"]\`.
- Two routes that claim the same host, path and method are refused; both are named.
`;

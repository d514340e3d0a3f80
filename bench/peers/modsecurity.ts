import { existsSync } from 'node:fs';
import type { RuleSetFiles } from '../rule-set.ts';
import { versionOf } from '../servers.ts';
import { nginx, nginxArguments, nginxConfig } from './nginx.ts';
import { given, type Peer } from './peer.ts';

/** Where Debian's package puts it. */
const MODULE = '/usr/lib/nginx/modules/ngx_http_modsecurity_module.so';

export const modsecurity: Peer = {
  name: 'modsecurity',
  can: ['rules', 'forwarded', 'access-log', 'limiter'],
  log: nginx.log,
  needs: "nginx with Debian's libnginx-mod-http-modsecurity",
  version: () => {
    const nginx = existsSync(MODULE) ? versionOf('nginx', '-v') : null;
    return nginx === null ? null : `${nginx}, libmodsecurity ${libraryVersion()}`;
  },
  launch: (setup) => ({
    command: 'nginx',
    args: nginxArguments('nginx.conf'),
    files: {
      'nginx.conf': nginxConfig(setup, { main: `load_module ${MODULE};\n`, server: FIREWALL }),
      'modsecurity.conf': modsecurityConfig(given(setup.ruleSet, 'rule set')),
    },
  }),
};

function libraryVersion(): string {
  return versionOf('dpkg-query', '-W', '-f', '$' + '{Version}', 'libmodsecurity3') ?? 'of unknown version';
}

// A body that rules see is read whole; it must not go through a file for that.
const FIREWALL = `    modsecurity on;
    modsecurity_rules_file modsecurity.conf;
    client_body_buffer_size 128k;
`;

/**
 * What Sallyport does by its defaults and config/waf/baseline/10-bodies.conf, in ModSecurity's words: JSON and XML by
 * Content-Type, 400 for bodies that cannot be read, the same bounds. No audit log; bodies of answers are not looked at.
 */
function modsecurityConfig({ setup, rules }: RuleSetFiles): string {
  return `SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 131072
SecRequestBodyNoFilesLimit 131072
SecRequestBodyLimitAction Reject
SecRequestBodyJsonDepthLimit 512
SecArgumentsLimit 1000
SecResponseBodyAccess Off
SecAuditEngine Off
SecArgumentSeparator &
SecCookieFormat 0
SecPcreMatchLimit 100000
SecPcreMatchLimitRecursion 100000
SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application|text)/(?:[a-z0-9._-]+\\+)?xml" \\
  "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:[a-z0-9._-]+\\+)?json" \\
  "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,t:none,log,deny,status:400,msg:'The body cannot be read'"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,t:none,log,deny,status:400,msg:'The body is not strict'"
Include ${setup}
Include ${rules}
`;
}

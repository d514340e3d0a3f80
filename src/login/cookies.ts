// hot path: synchronous, never throws

/** The value of a cookie; '' for none, null where the name stands there twice: one of them is somebody else's. */
export function cookieIn(cookies: string, name: string): string | null {
  let found: string | null = '';
  for (const [other, value] of pairsOf(cookies)) {
    if (other !== name) continue;
    if (found !== '') return null;
    found = value;
  }
  return found;
}

/**
 * Names and values in their order. Blanks and tabs around them alone are none of theirs: to a browser, a name that
 * begins with another blank of Unicode does not begin with `__Host-`, and any sibling host may set it.
 */
export function pairsOf(cookies: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const pair of cookies.split(';')) {
    const equals = pair.indexOf('=');
    const name = equals === -1 ? '' : stripped(pair.slice(0, equals));
    if (name !== '') pairs.push([name, stripped(pair.slice(equals + 1))]);
  }
  return pairs;
}

function stripped(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * A field section without some cookies. What is left of a cookie field stays byte for byte; an empty one goes.
 *
 * @param fields  `name: value\r\n` each, names in lower case.
 */
export function withoutCookies(fields: string, isOurs: (name: string) => boolean): string {
  let kept = '';
  let line = 0;
  while (line < fields.length) {
    const end = fields.indexOf('\r\n', line);
    // Every line has its end; what would have none is not passed on.
    if (end === -1) break;
    if (fields.startsWith('cookie: ', line)) {
      const value = fields.slice(line + 'cookie: '.length, end);
      const rest = value.split(';').filter((pair) => !isOurs(nameOf(pair)));
      if (rest.length > 0) kept += `cookie: ${rest.join(';').replace(/^[ \t]+/, '')}\r\n`;
    } else kept += fields.slice(line, end + 2);
    line = end + 2;
  }
  return kept;
}

/** What any reader behind us might take for the name. */
function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return (equals === -1 ? pair : pair.slice(0, equals)).trim();
}

/** `Set-Cookie` of a host-only cookie that no script reads. @param seconds  0 takes it away. */
export function setCookie(name: string, value: string, seconds: number, isSecure: boolean): string {
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
}

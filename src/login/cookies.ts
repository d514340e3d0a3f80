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

/** Names and values in their order. */
export function pairsOf(cookies: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const pair of cookies.split(';')) {
    const trimmed = pair.trim();
    const equals = trimmed.indexOf('=');
    if (equals > 0) pairs.push([trimmed.slice(0, equals).trim(), trimmed.slice(equals + 1).trim()]);
  }
  return pairs;
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
      if (rest.length > 0) kept += `cookie: ${rest.join(';').trimStart()}\r\n`;
    } else kept += fields.slice(line, end + 2);
    line = end + 2;
  }
  return kept;
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return (equals === -1 ? pair : pair.slice(0, equals)).trim();
}

/** `Set-Cookie` of a host-only cookie that no script reads. @param seconds  0 takes it away. */
export function setCookie(name: string, value: string, seconds: number, isSecure: boolean): string {
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
}

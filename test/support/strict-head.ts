const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.1$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;

/**
 * What a strict reader of RFC 9112 would not accept in a request head, or what two readers could read differently.
 *
 * @param rawHead  Head as latin1, final blank line included.
 * @returns        One sentence per finding; empty when sound.
 */
export function strictComplaints(rawHead: string): string[] {
  const found: string[] = [];
  if (!rawHead.endsWith('\r\n\r\n')) found.push('head does not end in CRLF CRLF');
  if (/[^\r]\n/.test(rawHead) || /\r[^\n]/.test(rawHead)) found.push('bare CR or LF');
  const [requestLine = '', ...lines] = rawHead.replace(/\r\n\r\n$/, '').split('\r\n');
  if (!REQUEST_LINE.test(requestLine)) found.push(`request line ${JSON.stringify(requestLine)}`);
  const count = new Map<string, number>();
  for (const line of lines) {
    const name = FIELD.exec(line)?.[1]?.toLowerCase();
    if (name === undefined) {
      found.push(`field line ${JSON.stringify(line)}`);
      continue;
    }
    count.set(name, (count.get(name) ?? 0) + 1);
    if (name.includes('_') && ['content-length', 'transfer-encoding', 'host'].includes(name.replaceAll('_', '-'))) {
      found.push(`framing lookalike ${name}`);
    }
    const value = line.slice(name.length + 1).trim();
    if (name === 'content-length' && !/^(0|[1-9][0-9]*)$/.test(value)) found.push(`content-length ${value}`);
    if (name === 'transfer-encoding' && value.toLowerCase() !== 'chunked') found.push(`transfer-encoding ${value}`);
    if (name === 'host' && !/^[A-Za-z0-9._\-[\]:]+$/.test(value)) found.push(`host ${JSON.stringify(value)}`);
  }
  if (count.get('host') !== 1) found.push(`${count.get('host') ?? 0} Host fields`);
  if ((count.get('content-length') ?? 0) > 1) found.push('two Content-Length fields');
  if ((count.get('transfer-encoding') ?? 0) > 1) found.push('two Transfer-Encoding fields');
  if (count.has('content-length') && count.has('transfer-encoding')) found.push('length and coding together');
  return found;
}

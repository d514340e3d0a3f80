import { request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { quote } from '../../config/words.ts';
import { refusal } from './refusal.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Which proxy the environment names for a URL: `https_proxy` or `HTTPS_PROXY`, unless `no_proxy` or `NO_PROXY` has the
 * host: a list of names, each for its subdomains too, with a port or without, or `*`.
 *
 * @returns  Null for none.
 * @throws  SallyportError SP_RULE_SET_INSTALL for one that is not spoken to in plain HTTP.
 */
export function proxyFor(url: URL, env: Environment): URL | null {
  const named = env.https_proxy || env.HTTPS_PROXY || '';
  if (named === '' || isExempt(url, env.no_proxy || env.NO_PROXY || '')) return null;
  const text = named.includes('://') ? named : `http://${named}`;
  if (URL.canParse(text) && text.startsWith('http://')) return new URL(text);
  throw refusal(`https_proxy is ${quote(withoutSecrets(text))}: name an http:// proxy`);
}

function isExempt({ hostname, port }: URL, list: string): boolean {
  return list.split(/[\s,]+/).some((part) => {
    const [, name = '', onPort] = /^(?:\*?\.)?(\*|\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/.exec(part.toLowerCase()) ?? [];
    if (name === '' || (onPort !== undefined && onPort !== (port || '443'))) return false;
    return name === '*' || hostname === name || (isIP(hostname) === 0 && hostname.endsWith(`.${name}`));
  });
}

/** Name and password are nobody else's. */
export function withoutSecrets(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}

/**
 * Asks a proxy for a way to a host.
 *
 * @returns  A connection over which TLS can be spoken.
 * @throws  SallyportError SP_RULE_SET_INSTALL when it refuses; the system's error when it is not there.
 */
export function tunnelThrough(proxy: URL, url: URL, signal: AbortSignal, idleMs: number): Promise<Socket> {
  const authority = `${url.hostname}:${url.port || '443'}`;
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const secret = user === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` };
  return new Promise((resolve, reject) => {
    const asked = request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || '80',
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...secret },
      agent: false,
      signal,
    });
    const refuse = (status: number | undefined): void => {
      asked.destroy();
      reject(refusal(`the proxy ${proxy.host} answers ${status} when it is asked for ${authority}`));
    };
    asked.setTimeout(idleMs, () => asked.destroy(new Error(`the proxy ${proxy.host} said nothing for ${idleMs} ms`)));
    // The first one counts; another may come when it is ended.
    asked.on('error', reject);
    asked.once('response', ({ statusCode }) => refuse(statusCode));
    asked.once('connect', ({ statusCode }, socket: Socket) => {
      socket.setTimeout(0);
      if (statusCode === 200) resolve(socket);
      else {
        socket.destroy();
        refuse(statusCode);
      }
    });
    asked.end();
  });
}

import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { packageVersion } from '../../base/version.ts';
import { quote } from '../../config/words.ts';
import { SallyportError } from '../../errors.ts';
import { CRS_ARCHIVE_BYTES_MAX, CRS_DOWNLOAD_IDLE_MS, CRS_DOWNLOAD_MS, CRS_REDIRECTS_MAX } from '../../limits.ts';
import { proxyFor, tunnelThrough, withoutSecrets } from './proxy.ts';
import { refusal } from './refusal.ts';

export interface DownloadOptions {
  /** For proxies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Authorities to trust, PEM; undefined for those of Node and NODE_EXTRA_CA_CERTS. */
  readonly ca?: string | undefined;
  /** Longest silence, milliseconds. */
  readonly idleMs?: number;
}

/**
 * Fetches a file over HTTPS, whole, into memory. Redirects are followed, to HTTPS only.
 *
 * @throws  SallyportError SP_RULE_SET_INSTALL for what is not https, too large, too slow, cut, or no answer of 200.
 */
export async function download(text: string, options: DownloadOptions): Promise<Buffer> {
  const signal = AbortSignal.timeout(CRS_DOWNLOAD_MS);
  let url = httpsOnly(text, null);
  try {
    for (let hops = 0; hops <= CRS_REDIRECTS_MAX; hops += 1) {
      const response = await ask(url, options, signal);
      const { statusCode = 0, headers } = response;
      if (statusCode === 200) return await whole(response, url);
      response.destroy();
      const isRedirect = [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined;
      if (!isRedirect) throw refusal(`${placeOf(url)} answers ${statusCode}; correct --version or --from`);
      url = httpsOnly(headers.location ?? '', url);
    }
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    const isLate = signal.aborted;
    const late = isLate ? `: it took more than ${CRS_DOWNLOAD_MS} ms` : '';
    throw refusal(`${placeOf(url)} cannot be fetched${late}; nothing was installed`, error);
  }
  throw refusal(`more than ${CRS_REDIRECTS_MAX} redirects: the last one from ${placeOf(url)}`);
}

/** Without secrets: query and user may be some. */
function placeOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

function httpsOnly(text: string, base: URL | null): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : null;
  if (url?.protocol === 'https:') return url;
  if (base !== null)
    throw refusal(`${placeOf(base)} redirects to what is not https://; nothing was fetched from there`);
  throw refusal(
    `${quote(withoutSecrets(text), 200)} is not an https:// URL; rules are not fetched over a way that anyone can change`,
  );
}

async function ask(url: URL, options: DownloadOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { env, ca, idleMs = CRS_DOWNLOAD_IDLE_MS } = options;
  const proxy = proxyFor(url, env);
  const socket = proxy === null ? null : await tunnelThrough(proxy, url, signal, idleMs);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const trust = ca === undefined ? {} : { ca };
  const name = isIP(host) === 0 ? { servername: host } : {};
  // With an agent, and `false` makes one, Node would connect by itself.
  const way =
    socket === null ? { agent: false } : { createConnection: () => connect({ socket, host, ...name, ...trust }) };
  return await new Promise((resolve, reject) => {
    const asked = request(url, {
      headers: { 'user-agent': `sallyport/${packageVersion()}`, accept: 'application/octet-stream, */*' },
      signal,
      ...trust,
      ...way,
    });
    asked.setTimeout(idleMs, () => asked.destroy(new Error(`nothing came for ${idleMs} ms`)));
    asked.once('response', resolve);
    // The first one counts; a second one comes when a connection is cut after its answer began.
    asked.on('error', reject);
    asked.end();
  });
}

async function whole(response: IncomingMessage, url: URL): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > CRS_ARCHIVE_BYTES_MAX) {
      throw refusal(`${placeOf(url)} has more than ${CRS_ARCHIVE_BYTES_MAX} bytes: this is no Core Rule Set`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

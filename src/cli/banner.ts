export interface BannerFacts {
  readonly version: string;
  /** `host:port` or URLs of what listens. */
  readonly addresses: { readonly http?: string; readonly https?: string; readonly admin?: string };
  /** True when the demo API is behind the gateway. */
  readonly isDemo: boolean;
}

/** What a person who starts the gateway by hand wants to know first. @returns Lines with their line ends. */
export function banner({ version, addresses, isDemo }: BannerFacts): string {
  const urls = {
    http: urlOf('http', addresses.http),
    https: urlOf('https', addresses.https),
    admin: urlOf('http', addresses.admin),
  };
  const lines = ['', `Sallyport ${version} is ready${isDemo ? ', with its demo API behind it' : ''}.`, ''];
  for (const [name, url] of Object.entries(urls)) if (url !== '') lines.push(`  ${name.padEnd(6)} ${url}`);
  const tries = (isDemo ? demoTries : plainTries)(urls);
  if (tries.length > 0) lines.push('', 'Try:', ...tries.map((line) => `  ${line}`));
  lines.push('');
  if (isDemo) {
    lines.push('Your own service:        SALLYPORT_UPSTREAM=http://127.0.0.1:3000 npm start');
    lines.push('Your own configuration:  SALLYPORT_CONFIG=my.yaml npm start   (keys: config/gateway.example.yaml)');
  }
  lines.push('Stop with Ctrl-C.', '');
  return `${lines.join('\n')}\n`;
}

interface Urls {
  readonly http: string;
  readonly https: string;
  readonly admin: string;
}

function demoTries({ http }: Urls): string[] {
  if (http === '') return [];
  return [
    `curl -i ${http}/`,
    `curl -i -d '{"hello":"world"}' -H 'content-type: application/json' ${http}/echo`,
    `curl -i '${http}/items%2F1'   # an encoded slash: refused, with the reason`,
    `curl -i '${http}/items?id=1%27%20OR%201=1--'   # an attack: refused by the firewall`,
  ];
}

function plainTries({ http, https, admin }: Urls): string[] {
  const front = https === '' ? http : https;
  return [
    ...(front === '' ? [] : [`curl -i ${front === https ? '-k ' : ''}${front}/`]),
    ...(admin === '' ? [] : [`curl -i ${admin}/readyz`, `curl -s ${admin}/metrics`]),
  ];
}

/** Every interface is `localhost` to whoever reads this at the machine. */
function urlOf(scheme: string, address: string | undefined): string {
  if (address === undefined || address === '') return '';
  const url = address.includes('://') ? address : `${scheme}://${address}`;
  return url.replace(/:\/\/(0\.0\.0\.0|\[::\]|:::?)(?=:\d)/, '://localhost').replace(/\/$/, '');
}

import { fileURLToPath } from 'node:url';
import { nginx, nginxArguments, nginxHttp } from './peers/nginx.ts';
import { ANSWER, DOWNLOAD_PATH, TRANSFER_BYTES } from './requests.ts';
import { type Launch, Server } from './servers.ts';

export const COUNTS_PATH = '/.counts';
/** Answered with what came in X-Request-Id, X-Forwarded-For and X-Forwarded-Proto, with spaces between. */
export const FIELDS_PATH = '/fields';

export interface Counts {
  /** Requests so far, without those that asked for the counts. */
  readonly requests: number;
  /** Bytes of their bodies; null where nobody counts them. */
  readonly bodyBytes: number | null;
}

/** What stands behind every proxy: answers at once and counts what arrived. */
export class Upstream {
  readonly server: Server;
  readonly software: 'nginx' | 'node';
  #asked = 0;

  private constructor(server: Server, software: 'nginx' | 'node') {
    this.server = server;
    this.software = software;
  }

  /**
   * @param reading  True for one that reads bodies to their end before it answers: node:http, which counts their bytes
   *                 too. Else nginx where installed: the cheapest and steadiest.
   */
  static async start(port: number, folder: string, reading: boolean): Promise<Upstream> {
    const software = reading || nginx.version() === null ? 'node' : 'nginx';
    const launch = software === 'node' ? nodeLaunch(port) : nginxLaunch(port);
    return new Upstream(await Server.start(`upstream (${software})`, port, folder, launch), software);
  }

  async counts(): Promise<Counts> {
    const response = await fetch(`http://127.0.0.1:${this.server.port}${COUNTS_PATH}`, {
      headers: { connection: 'close' },
    });
    this.#asked += 1;
    const text = await response.text();
    const counts = text.startsWith('{') ? (JSON.parse(text) as Counts) : parseStubStatus(text);
    return { ...counts, requests: counts.requests - this.#asked };
  }
}

/** @param text  Page of ngx_http_stub_status_module. The third number of its third line is the count of requests. */
export function parseStubStatus(text: string): Counts {
  const match = /^server accepts handled requests\n \d+ \d+ (\d+) $/m.exec(text);
  if (match === null) throw new Error(`not a page of stub_status: ${text}`);
  return { requests: Number(match[1]), bodyBytes: null };
}

function nginxLaunch(port: number): Launch {
  const server = `  open_file_cache max=16;
  server {
    listen 127.0.0.1:${port};
    location / {
      return 200 '${ANSWER}';
    }
    location = ${DOWNLOAD_PATH} {
      root .;
    }
    location = ${COUNTS_PATH} {
      stub_status;
    }
    location = ${FIELDS_PATH} {
      return 200 '$http_x_request_id $http_x_forwarded_for $http_x_forwarded_proto';
    }
  }
`;
  return {
    command: 'nginx',
    args: nginxArguments('nginx.conf'),
    files: { 'nginx.conf': nginxHttp(server), [DOWNLOAD_PATH.slice(1)]: 'x'.repeat(TRANSFER_BYTES) },
  };
}

function nodeLaunch(port: number): Launch {
  const script = fileURLToPath(new URL('./upstream-process.js', import.meta.url));
  return { command: process.execPath, args: [script, String(port)], files: {} };
}

import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggedRequest, LoggingServer } from '../conformance/crs/socket-executor.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { LogTail } from './log-tail.ts';
import { auditedRequest } from './modsecurity-audit.ts';
import { CRS_TEST_SETTINGS } from './modsecurity-config.ts';
import { startReflectingUpstream } from './reflecting-upstream.ts';
import { until } from './wait.ts';

/** A request that reaches the log has done so by then; one that uWebSockets.js refuses never does. Milliseconds. */
const LOG_MS = 400;
const NOTHING: LoggedRequest = { ids: [], lines: [] };

/**
 * The gateway with a rule set, in detection only, in front of an upstream that reflects: what operators run.
 *
 * @param folder  With crs-setup.conf.example, unicode.mapping and rules/.
 */
export async function startCrsGateway(folder: string): Promise<LoggingServer> {
  const own = mkdtempSync(join(tmpdir(), 'sallyport-crs-'));
  symlinkSync(join(folder, 'rules'), join(own, 'rules'));
  copyFileSync(join(folder, 'unicode.mapping'), join(own, 'unicode.mapping'));
  const setup = readFileSync(join(folder, 'crs-setup.conf.example'), 'latin1');
  const tests = `SecAuditEngine On\nSecUnicodeMapFile unicode.mapping 20127\n${CRS_TEST_SETTINGS}`;
  writeFileSync(join(own, 'crs-setup.conf'), `${setup}\n${tests}`, 'latin1');
  const audit = join(own, 'audit.log');
  writeFileSync(audit, '');
  const upstream = await startReflectingUpstream();
  const gateway = await startGateway({
    config: {
      threads: 1,
      upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
      routes: [{ name: 'all', upstream: 'main' }],
      waf: { crs: own, mode: 'detect', requestBodyBytesMax: 1_048_576, audit: { path: audit, redact: [] } },
    },
  });
  const log = new RequestLog(gateway, audit);
  return {
    name: 'gateway',
    port: gateway.http,
    logged: (clientAddress) => log.of(clientAddress),
    close: async () => {
      await gateway.stop();
      await upstream.close();
      rmSync(own, { recursive: true });
    },
  };
}

/** Finds what was logged for a client: a line in the access log, and a record where rules were asked. */
class RequestLog {
  readonly #gateway: Gateway;
  readonly #audit: LogTail;
  readonly #records = new Map<string, LoggedRequest>();
  /** Ids that the access log names, where it names some: `noauditlog` keeps rules out of the audit log only. */
  readonly #seen = new Map<string, readonly number[]>();
  #linesRead = 0;

  constructor(gateway: Gateway, audit: string) {
    this.#gateway = gateway;
    this.#audit = new LogTail(audit);
  }

  async of(clientAddress: string): Promise<LoggedRequest> {
    const found = await until('the log', () => this.#find(clientAddress), LOG_MS, 2).catch(() => NOTHING);
    this.#records.delete(clientAddress);
    this.#seen.delete(clientAddress);
    return found;
  }

  #find(clientAddress: string): LoggedRequest | null {
    this.#read();
    const ids = this.#seen.get(clientAddress);
    if (ids === undefined) return null;
    if (ids.length === 0) return NOTHING;
    const record = this.#records.get(clientAddress);
    return record === undefined ? null : { ids: [...new Set([...ids, ...record.ids])], lines: record.lines };
  }

  #read(): void {
    const { lines } = this.#gateway;
    for (; this.#linesRead < lines.length; this.#linesRead += 1) {
      const { client, waf } = lines[this.#linesRead] ?? {};
      const rules = (waf as { readonly rules?: readonly number[] } | undefined)?.rules ?? [];
      if (typeof client === 'string') this.#seen.set(client, rules);
    }
    for (const line of this.#audit.lines()) {
      const { clientAddress, ...found } = auditedRequest(line);
      this.#records.set(clientAddress, found);
    }
  }
}

import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { alignProblems, ConfigError } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';

export interface CheckOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes the text to print, line ends included. */
  readonly out: (text: string) => void;
  /** Folder that a relative file starts from; the process's own when absent. */
  readonly cwd?: string;
}

/**
 * `sallyport check [FILE]`: reads a configuration as the boot would, and says what runs or what is wrong.
 *
 * @param file  Path; undefined for what the boot would take.
 * @returns Exit code: 0 when it can run, with or without warnings; 1 when it cannot.
 * @throws  Never for a configuration; only what `out` throws.
 */
export function runCheck(file: string | undefined, options: CheckOptions): number {
  const { env, out, cwd = process.cwd() } = options;
  try {
    out(summary(loadConfig({ file, env, cwd })));
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const count = error.problems.length === 1 ? '1 problem' : `${error.problems.length} problems`;
    out(`${alignProblems(error.problems).join('\n')}\n\n${count}; this configuration cannot run.\n`);
    return 1;
  }
}

function summary(loaded: LoadedConfig): string {
  const { config, source, warnings } = loaded;
  const targets = Object.values(config.upstreams).reduce((sum, upstream) => sum + upstream.targets.length, 0);
  const routes = counted(config.routes.length, 'route');
  const upstreams = counted(Object.keys(config.upstreams).length, 'upstream');
  const lines = [
    `OK  ${source}`,
    `    ${routes}, ${upstreams} with ${counted(targets, 'target')}`,
    `    listeners: ${listeners(config)}`,
  ];
  if (warnings.length > 0) lines.push('', `${counted(warnings.length, 'warning')}:`, ...alignProblems(warnings));
  return `${lines.join('\n')}\n`;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function listeners({ listen, admin, tls }: Config): string {
  const names: string[] = [];
  if (listen.http.port !== 0) names.push(`http ${address(listen.host, listen.http.port)}`);
  if (listen.https.port !== 0) {
    const certificates = counted(tls.certificates.length, 'certificate');
    names.push(`https ${address(listen.host, listen.https.port)} (TLS ${tls.minVersion} or newer, ${certificates})`);
  }
  names.push(admin.port === 0 ? 'admin off' : `admin ${address(admin.host, admin.port)}`);
  return names.join(', ');
}

function address(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

import { packageVersion } from '../base/version.ts';
import { startDemo } from '../demo/server.ts';
import type { Gateway } from '../main.ts';
import { banner } from './banner.ts';
import { EXIT_REFUSED } from './exit-codes.ts';
import { describeFailure } from './failure.ts';
import { superviseSignals, terminalHungUp } from './signals.ts';

export interface ServeOptions {
  /** Wins over SALLYPORT_CONFIG. */
  readonly configFile: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs the gateway until a signal stops it. Without a configuration and without an upstream it fronts the demo API.
 *
 * @returns Exit code.
 * @throws SallyportError when the gateway cannot start.
 */
export async function serve(options: ServeOptions): Promise<number> {
  const configFile = options.configFile ?? nonEmpty(options.env.SALLYPORT_CONFIG);
  const signals = superviseSignals({
    emitter: process,
    hungUp: terminalHungUp(),
    exitNow: () => process.exit(EXIT_REFUSED),
    report: (error) => process.stderr.write(describeFailure(error)),
  });
  const needsDemo = configFile === undefined && nonEmpty(options.env.SALLYPORT_UPSTREAM) === undefined;
  const demo = needsDemo ? await startDemo() : null;
  try {
    // Loaded here, so that the other commands start without the native parts.
    const { startGateway } = await import('../main.ts');
    const env = demo === null ? options.env : { ...options.env, SALLYPORT_UPSTREAM: demo.url };
    const gateway = await startGateway(configFile === undefined ? { env } : { configFile, env });
    greet(gateway, demo !== null);
    return await signals.untilStopped(gateway);
  } finally {
    signals.release();
    await demo?.stop();
  }
}

/** To standard error, and only where somebody looks at it: standard output carries one JSON object per line. */
function greet(gateway: Gateway, isDemo: boolean): void {
  if (!isDemo && !process.stderr.isTTY) return;
  process.stderr.write(banner({ version: packageVersion(), addresses: gateway.addresses, isDemo }));
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

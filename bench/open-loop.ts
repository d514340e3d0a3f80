import type { Case } from './cases.ts';
import type { Credentials } from './credentials.ts';
import type { Contender, Field } from './field.ts';
import { mergeHistograms, quantileMs } from './load/latencies.ts';
import type { LoadProcess } from './load.ts';
import type { PacedJob } from './load-wire.ts';

/** Latencies of a proxy at a fixed arrival rate, counted from when a request was due: no coordinated omission. */
export interface OpenLoop {
  readonly peer: string;
  /** Arrivals, evenly spread. */
  readonly requestsPerSecond: number;
  /** The most that went through it on this machine, with client and upstream beside it, requests per second. */
  readonly saturation: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Requests without an answer, and answers other than 200. */
  readonly errors: number;
}

export interface OpenLoopOptions {
  readonly load: LoadProcess;
  readonly credentials: Credentials;
  readonly quick: boolean;
  readonly say: (words: string) => void;
}

const LOAD_SHARE = 0.5;
const CONNECTIONS = 64;
const LENGTHS = { saturationSeconds: 2, seconds: 4, turns: 3 };
const LENGTHS_QUICK = { saturationSeconds: 0.3, seconds: 0.5, turns: 1 };

/** Can the raw client send it? It speaks plain HTTP, and a limiter would refuse more than its rounds. */
export function hasOpenLoop(one: Case): boolean {
  return !one.tls && !one.fresh && one.idle === 0 && one.auth !== 'fresh-token' && !one.duties.includes('limiter');
}

/** Saturation of each proxy first, then half of that for each in turns. */
export async function runOpenLoop(one: Case, field: Field, options: OpenLoopOptions): Promise<readonly OpenLoop[]> {
  const { load, say } = options;
  const { saturationSeconds, seconds, turns } = options.quick ? LENGTHS_QUICK : LENGTHS;
  const jobOf = (contender: Contender, requestsPerSecond: number | null, length: number): PacedJob => ({
    ...pacedDemand(one, options.credentials, requestsPerSecond, length),
    port: contender.server.port,
    connections: CONNECTIONS,
    requestsPerSecond,
    seconds: length,
  });
  const runs = [];
  for (const contender of field.contenders) {
    say(`saturation of ${contender.name}`);
    const { answered, seconds: took } = await load.runPaced(jobOf(contender, null, saturationSeconds));
    const saturation = answered / took;
    contender.answered += answered;
    runs.push({ contender, saturation, rate: saturation * LOAD_SHARE, histograms: [] as string[], errors: 0 });
  }
  for (let turn = 0; turn < turns; turn += 1) {
    for (const run of turn % 2 === 0 ? runs : runs.toReversed()) {
      say(`latencies of ${run.contender.name}, ${turn + 1} of ${turns}`);
      const { histogram, errors, answered } = await load.runPaced(jobOf(run.contender, run.rate, seconds));
      run.contender.answered += answered;
      run.histograms.push(histogram);
      run.errors += errors;
    }
  }
  return runs.map(({ contender, saturation, rate, histograms, errors }) => {
    const all = mergeHistograms(histograms);
    return {
      peer: contender.name,
      requestsPerSecond: rate,
      saturation,
      p50Ms: quantileMs(all, 0.5),
      p90Ms: quantileMs(all, 0.9),
      p99Ms: quantileMs(all, 0.99),
      p999Ms: quantileMs(all, 0.999),
      errors,
    };
  });
}

/** Requests for more than the fastest proxy takes, where no request may come twice. */
const ONCE_PER_SECOND = 5_000;

function pacedDemand(one: Case, credentials: Credentials, rate: number | null, seconds: number) {
  const { load, auth, routes } = one;
  return { load, auth, routes, credentials, requests: Math.ceil((rate ?? ONCE_PER_SECOND) * seconds), seed: 0 };
}

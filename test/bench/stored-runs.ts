import type { StoredCase, StoredOpenLoop, StoredRun, StoredSummary } from '../../bench/report/run-schema.ts';
import { spreadOf } from '../../bench/statistics.ts';

/** Rounds of one proxy, made up: CPU microseconds per request, round by round. */
export interface PlantedPeer {
  readonly peer: string;
  readonly costs: readonly number[];
  /** Cores' worth of foreign work, round by round; none where absent. */
  readonly others?: readonly number[];
  readonly problems?: readonly string[];
  /** What newer runs hold besides. */
  readonly more?: Partial<StoredSummary>;
}

const ANSWERED = 1_000;

/** A case as the suite would store it. @param peers  The first is the baseline, unless it is Sallyport. */
export function plantedCase(
  name: string,
  peers: readonly PlantedPeer[],
  openLoop: readonly StoredOpenLoop[] | null = null,
): StoredCase {
  const baseline = peers[0];
  const spread = (value: number) => spreadOf([value]);
  return {
    name,
    what: `${name} of a test`,
    connections: 4,
    requestsPerRound: ANSWERED,
    openLoop: openLoop === null ? null : [...openLoop],
    summary: peers.map(({ peer, costs, problems = [], more }) => ({
      peer,
      cpuUsPerRequest: spreadOf(costs),
      cpuSecondsPerGB: null,
      ratio:
        baseline === undefined || baseline.peer === 'sallyport'
          ? null
          : spreadOf(costs.map((cost, round) => cost / (baseline.costs[round] ?? Number.NaN))),
      requestsPerSecond: spread(5_000),
      p50Ms: spread(0.5),
      p99Ms: spread(1.5),
      answered: ANSWERED * costs.length,
      problems: [...problems],
      ...more,
    })),
    rounds: peers.flatMap(({ peer, costs, others = [], problems = [] }) =>
      costs.map((cost, round) => ({
        round,
        peer,
        cpuUs: cost * ANSWERED,
        result: { answered: ANSWERED },
        disturbance: { othersCores: others[round] ?? 0, stolenCores: 0 },
        problems: round === 0 ? [...problems] : [],
      })),
    ),
  };
}

export function plantedRun(cases: readonly StoredCase[]): StoredRun {
  return {
    startedAt: '2026-01-31T14:05:59.000Z',
    quick: false,
    machine: { cpu: 'A <fast> one', cores: 2, memoryBytes: 16e9, kernel: 'Linux 6.1', node: 'v20.20.2' },
    versions: { nginx: 'nginx version: nginx/1.22.1', node: 'v20.20.2' },
    loadAverages: { start: [0.1, 0.2, 0.3], end: [1, 1, 1] },
    warnings: [],
    cases: [...cases],
  };
}

import type { RuleEngine } from '../../../src/waf/engine.ts';
import type { Inspection } from '../../../src/waf/inspection.ts';
import { EngineExecutor } from './engine-executor.ts';
import type { Probe } from './stage.ts';

export interface GateComparison {
  readonly requests: number;
  /** Rules that held, of all requests. */
  readonly matches: number;
  /** Names of requests of which the two say different things, the first few. */
  readonly differing: readonly string[];
}

/** Names that a comparison gives. */
const SHOWN_MAX = 10;

/**
 * Puts each request to an engine with gates and to one without, all phases. What held must be the same to the last
 * word: rules, variables, values, messages, captured data in them, and scores.
 */
export async function gateDifferences(
  probes: readonly Probe[],
  gated: RuleEngine,
  plain: RuleEngine,
): Promise<GateComparison> {
  const [withGate, without] = [new Watched(gated), new Watched(plain)];
  const differing: string[] = [];
  let matches = 0;
  for (const probe of probes) {
    const said = await withGate.whatOf(probe);
    const other = await without.whatOf(probe);
    matches += without.last?.matches.length ?? 0;
    if (said !== other && differing.length < SHOWN_MAX) differing.push(probe.name);
  }
  return { requests: probes.length, matches, differing };
}

const SCORES = ['blocking_inbound_anomaly_score', 'detection_inbound_anomaly_score', 'blocking_outbound_anomaly_score'];

class Watched {
  readonly #executor: EngineExecutor;
  last: Inspection | null = null;

  constructor(engine: RuleEngine) {
    this.#executor = new EngineExecutor('engine', (facts) => {
      this.last = engine.begin(facts);
      return this.last;
    });
  }

  async whatOf(probe: Probe): Promise<string> {
    this.last = null;
    const { status, error } = await this.#executor.run(probe);
    const inspection: Inspection | null = this.last;
    if (inspection === null) return JSON.stringify([status, error]);
    const { matches, interruption, wantsAudit } = inspection as Inspection;
    const scores = SCORES.map((name) => (inspection as Inspection).score(name));
    return JSON.stringify([status, error, matches, interruption, wantsAudit, scores]);
  }
}

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const USAGE = `npm run bench:gate -- [options]

  --run FILE          judge this stored run instead of measuring
  --out FILE          write what is measured there instead of bench/runs/DATE/TIME.json
  --rounds N          rounds of each case (7)
  --crs FOLDER        OWASP Core Rule Set of the cases that run rules
  --allow-unjudged    let budgets pass that the run says nothing about: a peer is not installed
  --self-test         plant a slow-down of 20 % and see the gate close with it, and open without it
  --help
`;

export interface GateOptions {
  /** null to measure. */
  readonly run: string | null;
  /** null for the usual place. */
  readonly out: string | null;
  readonly rounds: string;
  /** null for the suite's own. */
  readonly crs: string | null;
  readonly allowUnjudged: boolean;
  readonly selfTest: boolean;
  readonly help: boolean;
}

/** @throws TypeError of parseArgs for what is unknown. */
export function parseGateOptions(args: readonly string[]): GateOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      run: { type: 'string' },
      out: { type: 'string' },
      rounds: { type: 'string', default: '7' },
      crs: { type: 'string' },
      'allow-unjudged': { type: 'boolean', default: false },
      'self-test': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    run: values.run === undefined ? null : resolve(values.run),
    out: values.out === undefined ? null : resolve(values.out),
    rounds: values.rounds,
    crs: values.crs ?? null,
    allowUnjudged: values['allow-unjudged'],
    selfTest: values['self-test'],
    help: values.help,
  };
}

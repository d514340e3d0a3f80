import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CASE_NAMES, type CaseName, PEER_NAMES, USUAL_CASES } from './cases.ts';
import { whole } from './command-line.ts';

/** Where Debian's package modsecurity-crs has it. */
export const CRS_FOLDER = '/usr/share/modsecurity-crs';

export const USAGE = `npm run bench -- [options]

  --case NAME[,NAME]  ${namesInLines()},
                      or all; without it ${USUAL_CASES.join(' and ')}
  --peer NAME[,NAME]  only these proxies (${PEER_NAMES.join(', ')}); without
                      nginx (where rules are run: modsecurity; node-stack: fastify) there is no ratio
  --crs FOLDER        OWASP Core Rule Set of the cases with rules (${CRS_FOLDER})
  --open-loop         latencies at half load in every case that can have them; without it, in plain
  --no-open-loop      nowhere
  --rounds N          rounds per case, 1 to 100 (5; with --quick 1)
  --requests N        requests per proxy and round, instead of each case's own number
  --quick             one round of few requests: shows that all works; kept in bench/runs/local, not for comparison
  --out FILE          write the results there instead of bench/runs/DATE/TIME.json
  --help
`;

/** Seven names a line, under the first. */
function namesInLines(): string {
  const lines = CASE_NAMES.flatMap((_, at) => (at % 7 === 0 ? [CASE_NAMES.slice(at, at + 7).join(', ')] : []));
  return lines.join(`,\n${' '.repeat(22)}`);
}

export interface Options {
  readonly cases: readonly CaseName[];
  /** null for all that are installed. */
  readonly peers: readonly string[] | null;
  /** Folder of a rule set. */
  readonly crs: string;
  readonly rounds: number;
  /** null for each case's own number. */
  readonly requests: number | null;
  readonly quick: boolean;
  /** Null for what each case says. */
  readonly openLoop: boolean | null;
  /** null for the usual place. */
  readonly out: string | null;
  readonly help: boolean;
}

/** Of one command line. */
export const ROUNDS_MAX = 100;
export const REQUESTS_MAX = 100_000_000;
const ROUNDS = 5;
const ROUNDS_QUICK = 1;

/** @throws Error with a sentence about what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: 'string' },
      peer: { type: 'string' },
      crs: { type: 'string', default: CRS_FOLDER },
      rounds: { type: 'string' },
      requests: { type: 'string' },
      quick: { type: 'boolean', default: false },
      'open-loop': { type: 'boolean', default: false },
      'no-open-loop': { type: 'boolean', default: false },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, help } = values;
  return {
    cases: casesOf(values.case),
    peers: values.peer === undefined ? null : namesOf('--peer', values.peer, PEER_NAMES),
    crs: resolve(values.crs),
    rounds:
      values.rounds === undefined ? (quick ? ROUNDS_QUICK : ROUNDS) : whole('--rounds', values.rounds, ROUNDS_MAX),
    requests: values.requests === undefined ? null : whole('--requests', values.requests, REQUESTS_MAX),
    quick,
    openLoop: values['no-open-loop'] ? false : values['open-loop'] ? true : null,
    out: values.out ?? null,
    help,
  };
}

function casesOf(text: string | undefined): readonly CaseName[] {
  if (text === undefined) return USUAL_CASES;
  return text === 'all' ? CASE_NAMES : namesOf('--case', text, CASE_NAMES);
}

function namesOf<Name extends string>(option: string, text: string, known: readonly Name[]): readonly Name[] {
  return [...new Set(text.split(','))].map((part) => {
    const name = known.find((one) => one === part);
    if (name === undefined) throw new Error(`${option} does not know "${part}"; there are: ${known.join(', ')}`);
    return name;
  });
}

import { parseArgs } from 'node:util';
import { whole } from '../bench/command-line.ts';
import { MODULES, type ModuleName } from './modules.ts';

export const USAGE = `npm run native-bench -- [NAME...] [options]

  NAME        ${MODULES.join(', ')}; without one all of them
  --rounds N  rounds of each row, 1 to 100 (15; with --quick 3)
  --quick     short turns and few rounds: for a first look
  --out FILE  write the results there. Without it those of a whole run go to native-bench/runs/DATE.json,
              others to native-bench/runs/local
  --docs      measure nothing: write docs/native.md from the newest run in native-bench/runs
  --run FILE  with --docs: from this run
  --help
`;

export interface Options {
  readonly names: readonly ModuleName[];
  readonly rounds: number;
  readonly turnMs: number;
  readonly quick: boolean;
  /** null for the usual place. */
  readonly out: string | null;
  readonly docs: boolean;
  /** null for the newest. */
  readonly run: string | null;
  readonly help: boolean;
}

const TURN_MS = 30;
const TURN_MS_QUICK = 3;
const ROUNDS = 15;
const ROUNDS_QUICK = 3;
const ROUNDS_MAX = 100;

/** @throws Error with a sentence about what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      docs: { type: 'boolean', default: false },
      run: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, docs, help } = values;
  if (values.run !== undefined && !docs) throw new Error('--run goes with --docs');
  return {
    names: positionals.length === 0 ? MODULES : [...new Set(positionals.map(nameOf))],
    rounds:
      values.rounds === undefined ? (quick ? ROUNDS_QUICK : ROUNDS) : whole('--rounds', values.rounds, ROUNDS_MAX),
    turnMs: quick ? TURN_MS_QUICK : TURN_MS,
    quick,
    out: values.out ?? null,
    docs,
    run: values.run ?? null,
    help,
  };
}

function nameOf(text: string): ModuleName {
  const name = MODULES.find((one) => one === text);
  if (name === undefined) throw new Error(`there is no module "${text}"; there are: ${MODULES.join(', ')}`);
  return name;
}

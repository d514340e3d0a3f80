import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, loadAverages } from '../../../../bench/machine.ts';
import { PROFILE } from '../../../support/rule-sets.ts';
import { crsEngine } from '../engines.ts';
import { clausesOfRules } from './gate-literals.ts';
import { costOf } from './measure.ts';
import { HOSTILE_PLACES } from './places.ts';
import { costTable, summaryOf } from './table.ts';
import { hostileTexts } from './texts.ts';

const USAGE = `usage: npm run worst-case:crs -- DIR [--paranoia N] [--place PATTERN] [--text PATTERN]
DIR holds the rule set: rules/, crs-setup.conf.example, unicode.mapping. Prints a table in Markdown.
--paranoia  level of the rules that run, 1 by default
--place     where the text stands: "^form"
--text      what it is: "random"`;

const OPTIONS = {
  paranoia: { type: 'string', default: '1' },
  place: { type: 'string', default: '' },
  text: { type: 'string', default: '' },
} as const;

function main(): number {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (positionals.length !== 1) {
    console.error(USAGE);
    return 2;
  }
  const folder = resolve(positionals[0] as string);
  // No rule ends the request: all of them run.
  const profile = { ...PROFILE, mode: 'detect' as const, blockingParanoia: Number(values.paranoia) };
  const [gated, plain] = [crsEngine(folder, profile), crsEngine(folder, profile, false)];
  const texts = hostileTexts(clausesOfRules(folder)).filter(({ name }) => new RegExp(values.text).test(name));
  const places = HOSTILE_PLACES.filter(({ name }) => new RegExp(values.place).test(name));
  // The code is hot before anything counts.
  for (const place of HOSTILE_PLACES.slice(0, 3)) for (const text of texts) costOf(place, text, gated, plain);
  const costs = places.flatMap((place) => texts.map((text) => costOf(place, text, gated, plain)));
  const { cpu, cores, node } = describeMachine();
  console.log(`${cpu}, ${cores} cores, Node ${node}, load ${loadAverages().join(' ')}\n`);
  console.log(costTable(costs));
  console.log(`\n${summaryOf(costs)}`);
  return 0;
}

process.exitCode = main();

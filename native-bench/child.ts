// A module in a process of its own: node child.js NAME OPTIONS. Sends what it measured to its parent.
import type { Bench } from './bench.ts';
import { MODULES } from './modules.ts';
import { type RaceOptions, race } from './race.ts';
import type { RowResult } from './results.ts';

const [wanted = '', options = '{}'] = process.argv.slice(2);
const name = MODULES.find((one) => one === wanted);
if (name === undefined) throw new Error(`there is no module "${wanted}"`);
// Whoever started this is gone.
process.on('disconnect', () => process.exit(1));
const { bench } = (await import(`./${name}.js`)) as { bench: Bench };
const rows: RowResult[] = [];
for await (const row of bench.rows()) rows.push(await race(row, JSON.parse(options) as RaceOptions));
process.send?.({ what: bench.what, rows }, () => process.exit(0));

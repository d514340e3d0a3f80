import { parseArgs } from 'node:util';
import { describeMachine, loadAverages } from '../../../../bench/machine.ts';
import { PROFILE } from '../../../support/rule-sets.ts';
import { crsEngine } from '../engines.ts';
import { clausesOfRules } from './gate-literals.ts';
import { type Cost, costOf } from './measure.ts';
import { HOSTILE_PLACES } from './places.ts';
import { hostileTexts } from './texts.ts';

const { values, positionals } = parseArgs({
  options: {
    paranoia: { type: 'string', default: '1' },
    place: { type: 'string', default: '' },
    text: { type: 'string', default: '' },
  },
  allowPositionals: true,
});
const folder = positionals[0] ?? '';
const profile = { ...PROFILE, mode: 'detect' as const, blockingParanoia: Number(values.paranoia) };
const [gated, plain] = [crsEngine(folder, profile), crsEngine(folder, profile, false)];
const texts = hostileTexts(clausesOfRules(folder)).filter(({ name }) => new RegExp(values.text).test(name));
const costs: Cost[] = [];
for (const place of HOSTILE_PLACES.slice(0, 4)) for (const text of texts) costOf(place, text, gated, plain);
for (const place of HOSTILE_PLACES.filter(({ name }) => new RegExp(values.place).test(name))) {
  for (const text of texts) {
    const cost = costOf(place, text, gated, plain);
    costs.push(cost);
    console.error(JSON.stringify(cost));
  }
}
console.log(JSON.stringify([describeMachine(), loadAverages()]));
for (const c of costs.toSorted((a, b) => b.ratio - a.ratio).slice(0, 40)) console.log(c.place, '|', c.text, '|', c.gatedMs.toFixed(2), c.plainMs.toFixed(2), c.ratio.toFixed(2), c.matches);
console.log('--');
for (const c of costs.toSorted((a, b) => b.gatedMs - a.gatedMs).slice(0, 30)) console.log(c.place, '|', c.text, '|', c.gatedMs.toFixed(2), c.plainMs.toFixed(2), c.ratio.toFixed(2), c.matches);

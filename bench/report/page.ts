import { caseSections } from './case-sections.ts';
import { addedSection, allocationSection, latencySection, memorySection, overviewSection } from './chart-sections.ts';
import type { StoredRun } from './run-schema.ts';
import { STYLE } from './style.ts';
import { escaped, memory, moment } from './text.ts';

/**
 * One page about one run, whole in itself: no script, nothing from a network, light and dark.
 *
 * @param file  Where the run's figures are, as the page shall name it.
 */
export function pageOf(run: StoredRun, file: string): string {
  const title = `Sallyport beside its peers, ${moment(run.startedAt)}`;
  const sections = [
    overviewSection(run),
    caseSections(run),
    addedSection(run),
    latencySection(run),
    memorySection(run),
    allocationSection(run),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p class="soft">Ratios of this run are fair; absolute times belong to this machine. ${run.quick ? 'A quick run: a first look, not for comparison. ' : ''}Figures are medians over the rounds, with the lowest and the highest.</p>
${factsOf(run, file)}
${warningsOf(run.warnings)}
${sections.filter((section) => section !== '').join('\n')}
</main>
</body>
</html>
`;
}

function factsOf({ machine, versions, loadAverages }: StoredRun, file: string): string {
  const facts: readonly (readonly [name: string, words: string])[] = [
    ['Machine', `${machine.cpu}, ${machine.cores} cores, ${memory(machine.memoryBytes)}, ${machine.kernel}`],
    ['Versions', Object.values(versions).join('; ')],
    ['Load average', `${loadAverages.start.join(' ')} at the start, ${loadAverages.end.join(' ')} at the end`],
    ['Figures', file],
  ];
  return `<dl>${facts.map(([name, words]) => `<dt>${name}</dt><dd>${escaped(words)}</dd>`).join('')}</dl>`;
}

function warningsOf(warnings: readonly string[]): string {
  if (warnings.length === 0) return '';
  const items = warnings.map((words) => `<li>${escaped(words)}</li>`).join('');
  return `<section class="card"><h3 class="bad">Warnings</h3><ul>${items}</ul></section>`;
}

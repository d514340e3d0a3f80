import assert from 'node:assert/strict';

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: ParsedSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/y;

/**
 * Reads Prometheus text (format 0.0.4) and asserts what a server would refuse: names, one HELP and TYPE per family
 * before its samples, no sample twice, counters from 0 up, histograms with growing buckets, +Inf equal to the count.
 */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  assert.ok(text.endsWith('\n'));
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let help: [string, string] | null = null;
  let family: ParsedFamily | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [hash, word, name = '', ...rest] = line.split(' ');
    if (hash === '#' && word === 'HELP') {
      help = [name, rest.join(' ')];
    } else if (hash === '#' && word === 'TYPE') {
      assert.equal(help?.[0], name, `TYPE without HELP: ${line}`);
      assert.match(name, NAME);
      assert.ok(!families.has(name), `${name} twice`);
      family = { name, help: help?.[1] ?? '', type: rest.join(' '), samples: [] };
      assert.ok(['counter', 'gauge', 'histogram', 'summary'].includes(family.type), line);
      families.set(name, family);
    } else {
      const sample = parseSample(line);
      assert.ok(family !== null, line);
      assert.ok(belongs(sample.name, family), `${line} under ${family.name}`);
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      assert.ok(!seen.has(key), `twice: ${line}`);
      seen.add(key);
      if (family.type === 'counter') assert.ok(sample.value >= 0, line);
      family.samples.push(sample);
    }
  }
  for (const each of families.values()) if (each.type === 'histogram') checkHistogram(each);
  return families;
}

function parseSample(line: string): ParsedSample {
  const match = SAMPLE.exec(line);
  assert.ok(match !== null, `no sample: ${line}`);
  const [, name = '', labelText = '', valueText = ''] = match;
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < labelText.length) {
    const from = LABEL.lastIndex;
    const label = LABEL.exec(labelText);
    assert.ok(label !== null, `no label at ${from}: ${line}`);
    const [, key = '', value = ''] = label;
    assert.ok(!(key in labels), line);
    labels[key] = value.replace(/\\(.)/g, (_, unit: string) => (unit === 'n' ? '\n' : unit));
  }
  const value = valueText === '+Inf' ? Number.POSITIVE_INFINITY : valueText === 'Nan' ? Number.NaN : Number(valueText);
  assert.ok(valueText === 'Nan' || !Number.isNaN(value), line);
  return { name, labels, value };
}

function belongs(name: string, { name: of, type }: ParsedFamily): boolean {
  if (type === 'histogram') return [`${of}_bucket`, `${of}_sum`, `${of}_count`].includes(name);
  return name === of || (type === 'summary' && [`${of}_sum`, `${of}_count`].includes(name));
}

function checkHistogram({ name, samples }: ParsedFamily): void {
  const series = new Map<string, { buckets: [number, number][]; count: number; sum: number }>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    const one = series.get(key) ?? { buckets: [], count: Number.NaN, sum: Number.NaN };
    series.set(key, one);
    if (sample.name === `${name}_bucket`) {
      assert.ok(le !== undefined);
      one.buckets.push([le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), sample.value]);
    } else if (sample.name === `${name}_sum`) one.sum = sample.value;
    else one.count = sample.value;
  }
  for (const { buckets, count, sum } of series.values()) {
    assert.ok(sum >= 0);
    assert.equal(buckets.at(-1)?.[0], Number.POSITIVE_INFINITY);
    assert.equal(buckets.at(-1)?.[1], count);
    buckets.reduce((before, bucket) => {
      assert.ok(bucket[0] > before[0] && bucket[1] >= before[1], `${name} ${bucket}`);
      return bucket;
    });
  }
}

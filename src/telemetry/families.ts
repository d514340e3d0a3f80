import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface Sample {
  readonly labels: Record<string, string>;
  readonly value: number;
  /** `name_bucket`, `name_sum` or `name_count` of a histogram; the family's own name when absent. */
  readonly metricName?: string;
}

/** One metric family: what a scrape prints under one HELP and TYPE. */
export interface Family {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  /** A sentence without a full stop; docs/metrics.md has the same. */
  readonly help: string;
  /** Without the `le` of a histogram. */
  readonly labels: readonly string[];
  /** Called by each scrape. */
  readonly read: () => Sample[];
}

/**
 * Registers families whose values live elsewhere: prom-client keeps the names, types and the text format, and asks
 * `read` for the values when somebody scrapes. Nothing is counted twice and nothing runs between scrapes.
 */
export function registerFamilies(registry: Registry, families: readonly Family[]): void {
  for (const family of families) KINDS[family.kind](family, registry);
}

const KINDS = {
  counter: (family: Family, registry: Registry) => new ReadCounter(family, registry),
  gauge: (family: Family, registry: Registry) => new ReadGauge(family, registry),
  histogram: (family: Family, registry: Registry) => new ReadHistogram(family, registry),
};

function options({ name, help, labels }: Family, registry: Registry) {
  return { name, help, labelNames: [...labels], registers: [registry] };
}

class ReadCounter extends Counter {
  readonly #read: () => Sample[];

  constructor(family: Family, registry: Registry) {
    super(options(family, registry));
    this.#read = family.read;
  }

  override async get() {
    return { ...(await super.get()), values: this.#read() };
  }
}

class ReadGauge extends Gauge {
  readonly #read: () => Sample[];

  constructor(family: Family, registry: Registry) {
    super(options(family, registry));
    this.#read = family.read;
  }

  override async get() {
    return { ...(await super.get()), values: this.#read() };
  }
}

class ReadHistogram extends Histogram {
  readonly #family: Family;

  constructor(family: Family, registry: Registry) {
    super(options(family, registry));
    this.#family = family;
  }

  /** What the registry makes its text of. `get` of the library, for JSON, is made of this as well. */
  async getForPromString() {
    const values = this.#family.read().map((sample) => ({ ...sample, sharedLabels: {} }));
    return { name: this.#family.name, help: this.#family.help, type: 'histogram', aggregator: 'sum', values };
  }
}

/** Reads a family that has one sample. */
export function one(value: () => number): () => Sample[] {
  return () => [{ labels: {}, value: value() }];
}

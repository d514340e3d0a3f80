/** A mapping of a YAML file whose keys are all accounted for: a key that nobody reads is a fault of the reader. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #where: string;

  /**
   * @param value  What the YAML parser gave; null and undefined are an empty mapping.
   * @param known  Every key that may stand there.
   * @throws  Error that names `where`, for anything else than a mapping of these keys.
   */
  constructor(value: unknown, known: readonly string[], where: string) {
    if (value !== null && value !== undefined && (typeof value !== 'object' || Array.isArray(value))) {
      throw new Error(`${where} is not a mapping`);
    }
    this.#values = (value ?? {}) as Record<string, unknown>;
    this.#where = where;
    for (const key of Object.keys(this.#values)) {
      if (!known.includes(key)) throw new Error(`${where}.${key} is not supported`);
    }
  }

  raw(key: string): unknown {
    return this.#values[key];
  }

  text(key: string): string | null {
    return this.#take(key, isText);
  }

  number(key: string): number | null {
    return this.#take(key, isNumber);
  }

  flag(key: string): boolean | null {
    return this.#take(key, isFlag);
  }

  /** Empty where the key is absent. */
  list(key: string): readonly unknown[] {
    const value = this.#values[key] ?? [];
    if (!Array.isArray(value)) throw new Error(`${this.#where}.${key} is not a list`);
    return value;
  }

  numbers(key: string): readonly number[] {
    return this.list(key).map((value) => {
      if (typeof value !== 'number') throw new Error(`${this.#where}.${key} holds ${JSON.stringify(value)}`);
      return value;
    });
  }

  #take<T>(key: string, isIt: (value: unknown) => value is T): T | null {
    const value = this.#values[key] ?? null;
    if (value === null || isIt(value)) return value;
    throw new Error(`${this.#where}.${key} is ${JSON.stringify(value)}`);
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';

import { SallyportError } from '../errors.ts';

/** One thing that is wrong, with the place to put it right. */
export interface ConfigProblem {
  /** Key path as an operator would write it: `routes[2].upstream`; '' for the file as a whole. */
  readonly path: string;
  /** Name of the file, or of the environment variable that brought the value. */
  readonly source: string;
  /** From 1; both 0 where a value has no place in a file: environment, defaults, an unreadable file. */
  readonly line: number;
  readonly column: number;
  /** What was found: `unknown upstream "apj"`. Never a secret's value. */
  readonly found: string;
  /** What to do about it: `did you mean "api"?`. */
  readonly remedy: string;
}

/** A configuration that was refused, with everything that is wrong with it at once. Code `SP_CONFIG`. */
export class ConfigError extends SallyportError {
  readonly problems: readonly ConfigProblem[];

  /**
   * @param source    Name of the configuration, for the first line.
   * @param problems  At least one, in the order of the file.
   */
  constructor(source: string, problems: readonly ConfigProblem[], options?: { cause?: unknown }) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(
      'SP_CONFIG',
      `${count} in ${source}:\n  ${problems.map(describeProblem).join('\n  ')}`,
      { problems },
      options,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `gateway.yaml:14:5`, or the name alone where there is no line. */
export function describePlace(problem: ConfigProblem): string {
  return problem.line > 0 ? `${problem.source}:${problem.line}:${problem.column}` : problem.source;
}

/** `routes[1].upstream  (gateway.yaml:14:5)  unknown upstream "apj"; did you mean "api"?` */
export function describeProblem(problem: ConfigProblem): string {
  const path = problem.path === '' ? '' : `${problem.path}  `;
  return `${path}(${describePlace(problem)})  ${problem.found}; ${problem.remedy}`;
}

/**
 * Problems as lines of text with aligned columns.
 *
 * @param problems  Any number.
 * @returns One line each, without a line end; columns wider than their cap push their own line only.
 */
export function alignProblems(problems: readonly ConfigProblem[]): string[] {
  const paths = problems.map(
    (problem) => problem.path || (problem.source.startsWith('SALLYPORT_') ? '(environment)' : '(file)'),
  );
  const places = problems.map((problem) => `(${describePlace(problem)})`);
  const pathWidth = widest(paths, 48);
  const placeWidth = widest(places, 48);
  return problems.map((problem, index) => {
    const path = (paths[index] ?? '').padEnd(pathWidth);
    const place = (places[index] ?? '').padEnd(placeWidth);
    return `${path}  ${place}  ${problem.found}; ${problem.remedy}`;
  });
}

function widest(texts: readonly string[], cap: number): number {
  let width = 0;
  for (const text of texts) {
    if (text.length > width && text.length <= cap) width = text.length;
  }
  return width;
}

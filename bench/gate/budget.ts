import { type Static, Type } from '@sinclair/typebox';
import { CheckedJsonError, checkJson, readCheckedJson } from '../checked-json.ts';

const strict = { additionalProperties: false };
const ratio = Type.Number({ exclusiveMinimum: 0, maximum: 1_000 });

const budget = Type.Object(
  {
    /** Under which the release's ratio is kept, too. */
    name: Type.String({ pattern: '^[a-z0-9-]+$' }),
    /** Case of the suite in which Sallyport is judged. */
    case: Type.String({ minLength: 1 }),
    /** CPU per request, round by round; or p99 under a fixed arrival rate. */
    figure: Type.Union([Type.Literal('cpu'), Type.Literal('open-loop-p99')]),
    /** Whose figure is 1; in another case of the same run where one is named. */
    against: Type.Object(
      { peer: Type.String({ minLength: 1 }), case: Type.Optional(Type.String({ minLength: 1 })) },
      strict,
    ),
    /** The gate closes over it. */
    most: ratio,
    /** What is wanted in the end. */
    goal: ratio,
    /** What `most` rests on. */
    why: Type.String({ minLength: 1 }),
  },
  strict,
);

const release = Type.Object(
  {
    /** Null before the first one. */
    version: Type.Union([Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?$' }), Type.Null()]),
    /** Run that the ratios are from, from the project's folder. */
    run: Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
    /** Share by which a ratio may be worse than the release's: 0.1 for ten per cent. */
    worsening: Type.Number({ minimum: 0, maximum: 1 }),
    /** Name of a budget -> median ratio. */
    ratios: Type.Record(Type.String({ pattern: '^[a-z0-9-]+$' }), ratio, strict),
  },
  strict,
);

/** Ratios only: a time would be a budget of one machine. */
export const BUDGETS_SCHEMA = Type.Object({ budgets: Type.Array(budget, { minItems: 1 }), release }, strict);

export type Budgets = Static<typeof BUDGETS_SCHEMA>;
export type Budget = Static<typeof budget>;

/** @throws CheckedJsonError with the path of every key at fault. */
export function readBudgets(file: string): Budgets {
  return consistent(readCheckedJson(BUDGETS_SCHEMA, file), file);
}

/** @param name  What the value is called in messages. @throws CheckedJsonError */
export function checkBudgets(value: unknown, name: string): Budgets {
  return consistent(checkJson(BUDGETS_SCHEMA, value, name), name);
}

/** What a schema cannot say. */
function consistent(all: Budgets, name: string): Budgets {
  const { budgets, release } = all;
  const names = budgets.map((one) => one.name);
  const problems = [
    ...budgets.flatMap((one, index) => [
      ...(names.indexOf(one.name) === index ? [] : [`budgets[${index}].name is another budget's, too: ${one.name}`]),
      ...(one.goal <= one.most ? [] : [`budgets[${index}].goal is over budgets[${index}].most`]),
      ...(one.against.peer === 'sallyport' && (one.against.case ?? one.case) === one.case
        ? [`budgets[${index}].against is what is judged itself`]
        : []),
      ...(one.figure === 'cpu' || one.against.case === undefined
        ? []
        : [`budgets[${index}].against.case: latencies of two cases do not compare`]),
    ]),
    ...Object.keys(release.ratios)
      .filter((one) => !names.includes(one))
      .map((one) => `release.ratios.${one} belongs to no budget`),
    ...((release.version === null) === (release.run === null) ? [] : ['release.version and release.run go together']),
  ];
  if (problems.length === 0) return all;
  throw new CheckedJsonError([`${name} is not what it must be:`, ...problems.map((words) => `  ${words}`)].join('\n'));
}

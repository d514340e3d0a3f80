/** Stages that an engine is known to fail, with the reason; one that passes again does not belong here. */
export type KnownDifferences = ReadonlyMap<string, string>;

const LINE_END = 'libmodsecurity 3.0.9 keeps CR LF at the end of the last header line of a part';

/** libmodsecurity 3.0.9 behind nginx, beyond the list of overrides that comes with the rule set. */
export const MODSECURITY_DIFFERENCES: KnownDifferences = new Map(
  [5, 6, 12, 13, 14, 16, 17, 27, 30].map((testId) => [`922110-${testId}`, LINE_END]),
);

const NO_FRONT = 'a server refuses such a request before its rules are asked; an engine by itself has no front';

/** Any engine without a server around it: statuses that it cannot answer with, however its rules fare. */
export const FRONT_DIFFERENCES: KnownDifferences = new Map(
  [
    ...[5, 8, 11, 12, 15].map((testId) => `920100-${testId}`),
    ...[1, 2, 3, 5].map((testId) => `920160-${testId}`),
    '920274-1',
    '920430-5',
    '920610-2',
    '921140-1',
  ].map((name) => [name, NO_FRONT]),
);

/** An engine by itself. */
export const ENGINE_DIFFERENCES: KnownDifferences = new Map([
  ...FRONT_DIFFERENCES,
  ['920181-1', 'Apache takes Content-Length away before its rules see it, other servers refuse; an engine sees it'],
]);

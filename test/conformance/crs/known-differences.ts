/** Stages that an engine is known to fail, with the reason; one that passes again does not belong here. */
export type KnownDifferences = ReadonlyMap<string, string>;

const LINE_END = 'libmodsecurity 3.0.9 keeps CR LF at the end of the last header line of a part';

/** libmodsecurity 3.0.9 behind nginx, beyond the list of overrides that comes with the rule set. */
export const MODSECURITY_DIFFERENCES: KnownDifferences = new Map(
  [5, 6, 12, 13, 14, 16, 17, 27, 30].map((testId) => [`922110-${testId}`, LINE_END]),
);

/** Any engine without a server around it: what it cannot answer, however its rules fare. */
export const FRONT_DIFFERENCES: KnownDifferences = new Map([
  ['920430-5', 'a request line without a version is HTTP/0.9 to Apache, which closes; an engine has no connection'],
  ['921140-1', 'a server refuses a bare CR before rules are asked; an engine by itself has no front'],
]);

/** This engine by itself. */
export const ENGINE_DIFFERENCES: KnownDifferences = new Map([
  ...FRONT_DIFFERENCES,
  ['920181-1', 'Apache takes Content-Length out of a request with Transfer-Encoding; an engine sees it'],
]);

/** The gateway over sockets. */
export const GATEWAY_DIFFERENCES: KnownDifferences = new Map();

/** Stages that an engine is known to fail, with the reason; one that passes again does not belong here. */
export type KnownDifferences = ReadonlyMap<string, string>;

const LINE_END = 'libmodsecurity 3.0.9 keeps CR LF at the end of the last header line of a part';

/** libmodsecurity 3.0.9 behind nginx, beyond the list of overrides that comes with the rule set. */
export const MODSECURITY_DIFFERENCES: KnownDifferences = new Map(
  [5, 6, 12, 13, 14, 16, 17, 27, 30].map((testId) => [`922110-${testId}`, LINE_END]),
);

/** This engine by itself. */
export const ENGINE_DIFFERENCES: KnownDifferences = new Map();

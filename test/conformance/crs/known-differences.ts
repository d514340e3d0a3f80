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
]);

/** This engine by itself. */
export const ENGINE_DIFFERENCES: KnownDifferences = new Map([
  ...FRONT_DIFFERENCES,
  ['921140-1', 'a server refuses a bare CR before rules are asked; an engine by itself has no front'],
  ['920181-1', 'Apache takes Content-Length out of a request with Transfer-Encoding; an engine sees it'],
]);

const stages = (ruleId: number, testIds: readonly number[], cause: string): (readonly [string, string])[] =>
  testIds.map((testId) => [`${ruleId}-${testId}`, cause]);

const METHOD = 'the HTTP front closes connections whose method it does not know';
const TARGET = 'the HTTP front never answers CONNECT, OPTIONS * and targets in absolute form';
const VERSION = 'the HTTP front never answers other versions than HTTP/1.1';
const FIELD_NAME = 'the HTTP front of Node 20 never answers field names with an underscore or a dot';
const CONTROL = 'the guard answers 400 to control characters in a path before rules are asked';
const RAW = 'the guard answers 400 to bytes beyond ASCII in a target before rules are asked';

/** The gateway over sockets, with the HTTP front of Node 20: docs/decisions/0001. */
export const GATEWAY_DIFFERENCES: KnownDifferences = new Map([
  ...stages(911100, [5, 7, 8], METHOD),
  ...stages(920100, [10, 14], METHOD),
  ...stages(920420, [4], METHOD),
  ...stages(920100, [3, 4, 6, 16], TARGET),
  ...stages(920300, [2, 3], TARGET),
  ...stages(920180, [4], VERSION),
  ...stages(920280, [1], VERSION),
  ...stages(920430, [4, 8], VERSION),
  ...stages(932207, [1, 2, 3, 4, 5, 6, 7], VERSION),
  ...stages(941210, [6], VERSION),
  ...stages(933110, [3, 13, 14, 19, 20, 21, 22, 23, 24, 25, 26, 27], FIELD_NAME),
  ...stages(933220, [2, 4], FIELD_NAME),
  ...stages(944140, [3, 8], FIELD_NAME),
  ...stages(921190, [1, 2, 3, 4], CONTROL),
  ...stages(934120, [23, 24, 25, 26, 39], RAW),
  ...stages(920181, [1], 'the HTTP front closes where Content-Length and Transfer-Encoding meet'),
  ...stages(941110, [8], 'the HTTP front takes bytes beyond ASCII off the beginning of a field value'),
]);

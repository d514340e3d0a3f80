import { type Static, Type } from '@sinclair/typebox';

/**
 * What a stored run must hold, and what newer ones hold besides. JSON has no NaN: a figure that is not known is null.
 * Other keys are let be, so that a run of a later suite can still be read.
 */
const figure = Type.Union([Type.Number(), Type.Null()]);
const storedSpread = Type.Object({ median: figure, min: figure, max: figure });
const maybeSpread = Type.Optional(Type.Union([storedSpread, Type.Null()]));
const maybeFigure = Type.Optional(figure);

const storedSummary = Type.Object({
  peer: Type.String(),
  cpuUsPerRequest: storedSpread,
  cpuSecondsPerGB: maybeSpread,
  ratio: maybeSpread,
  requestsPerSecond: maybeSpread,
  p50Ms: maybeSpread,
  p90Ms: maybeSpread,
  p99Ms: maybeSpread,
  p999Ms: maybeSpread,
  rssMB: maybeSpread,
  addedUs: maybeSpread,
  allocatedBytesPerRequest: maybeFigure,
  gcShare: maybeFigure,
  errors: maybeFigure,
  answered: Type.Number(),
  problems: Type.Array(Type.String()),
});

const storedRound = Type.Object({
  round: Type.Integer({ minimum: 0 }),
  peer: Type.String(),
  cpuUs: Type.Number(),
  result: Type.Object({ answered: Type.Number() }),
  disturbance: Type.Object({ othersCores: Type.Number(), stolenCores: Type.Number() }),
  problems: Type.Array(Type.String()),
});

const storedOpenLoop = Type.Object({
  peer: Type.String(),
  requestsPerSecond: Type.Number(),
  saturation: maybeFigure,
  p50Ms: maybeFigure,
  p90Ms: maybeFigure,
  p99Ms: maybeFigure,
  p999Ms: maybeFigure,
  errors: maybeFigure,
});

const storedCase = Type.Object({
  name: Type.String(),
  what: Type.String(),
  connections: Type.Number(),
  requestsPerRound: Type.Number(),
  threads: maybeFigure,
  openLoop: Type.Optional(Type.Union([Type.Array(storedOpenLoop), Type.Null()])),
  summary: Type.Array(storedSummary),
  rounds: Type.Array(storedRound),
});

export const RUN_SCHEMA = Type.Object({
  startedAt: Type.String(),
  quick: Type.Boolean(),
  machine: Type.Object({
    cpu: Type.String(),
    cores: Type.Number(),
    memoryBytes: Type.Number(),
    kernel: Type.String(),
    node: Type.String(),
  }),
  versions: Type.Record(Type.String(), Type.String()),
  loadAverages: Type.Object({ start: Type.Array(Type.Number()), end: Type.Array(Type.Number()) }),
  warnings: Type.Array(Type.String()),
  cases: Type.Array(storedCase),
});

export type StoredRun = Static<typeof RUN_SCHEMA>;
export type StoredCase = Static<typeof storedCase>;
export type StoredSummary = Static<typeof storedSummary>;
export type StoredRound = Static<typeof storedRound>;
export type StoredOpenLoop = Static<typeof storedOpenLoop>;

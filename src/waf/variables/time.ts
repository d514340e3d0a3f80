// hot path: synchronous, never throws
import type { RequestState } from '../state.ts';
import { scalar, type Variable } from '../variable.ts';

const two = (value: number): string => String(value).padStart(2, '0');
const startOf = ({ facts }: RequestState): Date => new Date(facts.startedAtMs);

/** When the request came, in the local time of the gateway. */
export const TIME_VARIABLES: Readonly<Record<string, Variable>> = {
  /** Milliseconds since the request began. */
  DURATION: scalar(({ facts }) => String(Math.max(0, Date.now() - facts.startedAtMs))),
  TIME: scalar((state) => {
    const at = startOf(state);
    return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  }),
  TIME_DAY: scalar((state) => String(startOf(state).getDate())),
  TIME_EPOCH: scalar(({ facts }) => String(Math.floor(facts.startedAtMs / 1000))),
  TIME_HOUR: scalar((state) => String(startOf(state).getHours())),
  TIME_MIN: scalar((state) => String(startOf(state).getMinutes())),
  /** 0 for January. */
  TIME_MON: scalar((state) => String(startOf(state).getMonth())),
  TIME_SEC: scalar((state) => String(startOf(state).getSeconds())),
  /** 0 for Sunday. */
  TIME_WDAY: scalar((state) => String(startOf(state).getDay())),
  TIME_YEAR: scalar((state) => String(startOf(state).getFullYear())),
};

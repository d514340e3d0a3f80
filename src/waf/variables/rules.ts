// hot path: synchronous, never throws
import { type Entry, NO_ENTRIES } from '../entry.ts';
import { COLLECTION_NAMES } from '../open-collections.ts';
import type { RequestState } from '../state.ts';
import { collection, namesOf, scalar, type Variable } from '../variable.ts';

/** What rules themselves leave behind: variables they set, what held, collections that outlive a request. */
export const RULE_VARIABLES: Readonly<Record<string, Variable>> = {
  ENV: collection(
    ({ env }) => env.entries(),
    ({ env }, lower) => only(env.find(lower)),
  ),
  HIGHEST_SEVERITY: scalar(({ highestSeverity }) => String(highestSeverity)),
  MATCHED_VAR: scalar(({ matched }) => matched.at(-1)?.value ?? ''),
  MATCHED_VAR_NAME: scalar(({ matched }) => matched.at(-1)?.name ?? ''),
  MATCHED_VARS: collection(({ matched }) => matched),
  MATCHED_VARS_NAMES: namesOf(({ matched }) => matched),
  RULE: collection((state) => aboutRule(state)),
  SESSIONID: scalar(({ sessionId }) => sessionId),
  TX: collection(
    (state) => [...capturedEntries(state), ...state.tx.entries()],
    (state, lower) => {
      const captured = /^[0-9]$/.test(lower) ? state.captured.groups[Number(lower)] : undefined;
      return only(captured === undefined ? state.tx.find(lower) : { name: lower, value: captured });
    },
  ),
  USERID: scalar(({ userId }) => userId),
  WEBAPPID: scalar(({ settings }) => settings.webAppId),
  ...Object.fromEntries(
    COLLECTION_NAMES.map((name) => {
      const lower = name.toLowerCase();
      return [
        name,
        collection(
          ({ opened }) => opened.get(lower)?.entries() ?? NO_ENTRIES,
          ({ opened }, key) => {
            const value = opened.get(lower)?.get(key);
            return value === undefined ? NO_ENTRIES : [{ name: key, value }];
          },
        ),
      ];
    }),
  ),
};

function only(entry: Entry | undefined): readonly Entry[] {
  return entry === undefined ? NO_ENTRIES : [entry];
}

function capturedEntries({ captured }: RequestState): Entry[] {
  return captured.groups.flatMap((value, index) => (value === undefined ? [] : [{ name: String(index), value }]));
}

function aboutRule(state: RequestState): readonly Entry[] {
  const { rule } = state;
  if (rule === null) return NO_ENTRIES;
  return [
    { name: 'id', value: String(rule.id) },
    { name: 'msg', value: rule.message?.expand(state) ?? '' },
    { name: 'logdata', value: rule.data?.expand(state) ?? '' },
    { name: 'severity', value: rule.severity === -1 ? '' : String(rule.severity) },
    { name: 'rev', value: rule.revision },
    { name: 'ver', value: rule.version },
  ];
}

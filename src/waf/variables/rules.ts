// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { type Entry, NO_ENTRIES } from '../entry.ts';
import { COLLECTION_NAMES } from '../open-collections.ts';
import type { RequestState } from '../state.ts';
import type { Template } from '../template.ts';
import { collection, scalar, type Variable } from '../variable.ts';

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
  /** Not kept, as others are: the list grows while rules run. */
  MATCHED_VARS_NAMES: collection(({ matched }) => matched.map(({ name }) => ({ name, value: name }))),
  RULE: collection(
    (state) => RULE_WORDS.flatMap((word) => aboutRule(state, word)),
    (state, lower) => aboutRule(state, lower),
  ),
  SESSIONID: scalar(({ sessionId }) => sessionId),
  TX: collection(
    (state) => [...capturedEntries(state), ...state.tx.entries()],
    (state, lower) => {
      const captured = isDigit(lower) ? state.captured.groups[Number(lower)] : undefined;
      return only(captured === undefined ? state.tx.find(lower) : { name: lower, value: captured });
    },
    (state, names) => [...capturedEntries(state).filter(({ name }) => names(name)), ...state.tx.select(names)],
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

/** TX.0 to TX.9. */
function isDigit(name: ByteText): boolean {
  const code = name.charCodeAt(0);
  return name.length === 1 && code >= 0x30 && code <= 0x39;
}

function only(entry: Entry | undefined): readonly Entry[] {
  return entry === undefined ? NO_ENTRIES : [entry];
}

function capturedEntries({ captured }: RequestState): Entry[] {
  const entries: Entry[] = [];
  captured.groups.forEach((value, index) => {
    if (value !== undefined) entries.push({ name: String(index), value });
  });
  return entries;
}

const RULE_WORDS = ['id', 'msg', 'logdata', 'severity', 'rev', 'ver'] as const;

/** One by one: a message may hold the id of its rule, which must not ask for the message again. */
function aboutRule(state: RequestState, word: string): readonly Entry[] {
  const { rule } = state;
  if (rule === null) return NO_ENTRIES;
  switch (word) {
    case 'id':
      return [{ name: word, value: String(rule.id) }];
    case 'msg':
      return [{ name: word, value: expanded(state, rule.message) }];
    case 'logdata':
      return [{ name: word, value: expanded(state, rule.data) }];
    case 'severity':
      return [{ name: word, value: rule.severity === -1 ? '' : String(rule.severity) }];
    case 'rev':
      return [{ name: word, value: rule.revision }];
    case 'ver':
      return [{ name: word, value: rule.version }];
    default:
      return NO_ENTRIES;
  }
}

/** A macro of RULE within a message of RULE is '', as in ModSecurity: a message may not hold itself. */
function expanded(state: RequestState, template: Template | null): ByteText {
  const { rule } = state;
  state.rule = null;
  const text = template?.expand(state) ?? '';
  state.rule = rule;
  return text;
}

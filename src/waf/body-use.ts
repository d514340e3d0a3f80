import type { LinkedRule, RuleLink } from './seclang/syntax.ts';
import { BODY_VARIABLES } from './variables/body.ts';

const REQUEST = new Set([
  ...Object.keys(BODY_VARIABLES),
  'ARGS',
  'ARGS_COMBINED_SIZE',
  'ARGS_NAMES',
  'ARGS_POST',
  'ARGS_POST_NAMES',
  'XML',
]);
const RESPONSE = new Set(['RESPONSE_BODY', 'RESPONSE_CONTENT_LENGTH', 'OUTBOUND_DATA_ERROR']);
const MACRO_NAMES = /%\{([A-Za-z_]+)/g;

/** Does the rule look at the body of requests? Phase 1 runs before there is one. */
export function readsRequestBody(rule: LinkedRule): boolean {
  return rule.phase >= 2 && namesOne(rule, REQUEST);
}

/** Does the rule look at the body of answers? */
export function readsResponseBody(rule: LinkedRule): boolean {
  return rule.phase >= 4 && namesOne(rule, RESPONSE);
}

/** Among what it looks at, and in the macros of its words. */
function namesOne(rule: LinkedRule, names: ReadonlySet<string>): boolean {
  return rule.links.some(
    (link) => link.variables.some(({ name }) => names.has(name)) || textsOf(link).some((text) => hasMacro(text, names)),
  );
}

function textsOf({ operator, actions }: RuleLink): readonly string[] {
  const values = actions.flatMap(({ value }) => value ?? []);
  return operator === null ? values : [operator.parameter, ...values];
}

function hasMacro(text: string, names: ReadonlySet<string>): boolean {
  for (const [, name] of text.matchAll(MACRO_NAMES)) {
    if (names.has((name as string).toUpperCase())) return true;
  }
  return false;
}

import { SecLangReason } from './seclang/reason.ts';
import type { Variable } from './variable.ts';
import { ARGUMENT_VARIABLES } from './variables/arguments.ts';
import { BODY_VARIABLES, XML_VARIABLES } from './variables/body.ts';
import { REQUEST_VARIABLES } from './variables/request.ts';
import { RESPONSE_VARIABLES } from './variables/response.ts';
import { RULE_VARIABLES } from './variables/rules.ts';
import { TIME_VARIABLES } from './variables/time.ts';

const VARIABLES: ReadonlyMap<string, Variable> = new Map(
  Object.entries({
    ...REQUEST_VARIABLES,
    ...ARGUMENT_VARIABLES,
    ...BODY_VARIABLES,
    ...RESPONSE_VARIABLES,
    ...RULE_VARIABLES,
    ...TIME_VARIABLES,
  }),
);

/** Variables of SecLang that are not there, and what to use instead. */
const ABSENT: Readonly<Record<string, string>> = {
  GEO: 'there is no geographic database; remove the rule',
  PERF_ALL: 'there is no such measurement; use the metrics of the gateway',
  MODSEC_BUILD: 'this is no ModSecurity; remove the rule',
  SCRIPT_FILENAME: 'a gateway runs no scripts; use REQUEST_FILENAME',
  USERAGENT_IP: 'use REMOTE_ADDR, the address of the client behind trusted proxies',
};

/**
 * @param name  Upper case.
 * @throws  SecLangReason for a name that is none.
 */
export function variableNamed(name: string): Variable {
  const variable = VARIABLES.get(name);
  if (variable !== undefined) return variable;
  const instead = ABSENT[name];
  if (instead !== undefined) throw new SecLangReason(`the variable ${name} is not supported: ${instead}`);
  throw new SecLangReason(`${name} is not a variable`);
}

/** @param path  XPath behind `XML:`. @throws  SecLangReason for one that is not supported. */
export function xmlVariable(path: string): Variable {
  const variable = XML_VARIABLES[path];
  if (variable === undefined) {
    throw new SecLangReason(`XML:${path} is not supported; XML:/* is every text, XML://@* every attribute value`);
  }
  return variable;
}

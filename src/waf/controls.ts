import type { ControlWord } from './control.ts';
import { auditEngine, auditLogParts } from './controls/audit.ts';
import { requestBodyProcessor } from './controls/request-body-processor.ts';
import { ruleEngine } from './controls/rule-engine.ts';
import { REMOVALS } from './controls/rule-removals.ts';
import { forceRequestBodyVariable, requestBodyAccess, responseBodyAccess } from './controls/switches.ts';

/** Everything that `ctl` changes. */
export const CONTROLS: readonly ControlWord[] = [
  auditEngine,
  auditLogParts,
  forceRequestBodyVariable,
  requestBodyAccess,
  requestBodyProcessor,
  responseBodyAccess,
  ruleEngine,
  ...REMOVALS,
];

/** What ModSecurity's `ctl` knows besides, and what to do instead. */
export const ABSENT_CONTROLS: Readonly<Record<string, string>> = {
  debuglogLevel: 'there is no debug log; `sallyport waf test` explains a request',
  hashEngine: 'content is not rewritten; remove it',
  hashEnforcement: 'content is not rewritten; remove it',
  requestBodyLimit: 'the limit is that of the route; set waf.requestBodyBytesMax',
  responseBodyLimit: 'the limit is that of the route; set waf.responseBodyBytesMax',
};

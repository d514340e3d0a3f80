import { compileBytePattern } from '../base/regex.ts';
import type { BodyCaps } from '../parsed-body.ts';
import { DIRECTIVES } from './seclang/directives.ts';
import { type SecLangProblem, SecLangReason } from './seclang/reason.ts';
import type { RuleProgram } from './seclang/syntax.ts';
import type { EngineSettings } from './state.ts';
import { InspectedValue } from './value.ts';

/** What the configuration of the gateway says of every rule set. */
export interface WafDefaults {
  readonly bodyCaps: BodyCaps;
  /** Media types, lower case. */
  readonly responseTypes: readonly string[];
  /** Letters of SecAuditLogParts. */
  readonly auditParts: string;
  /** Rules are passed over where they cannot hold, and settled ones run once: src/waf/gate. Off only to compare. */
  readonly gate: boolean;
}

type Draft = { -readonly [K in keyof EngineSettings]: EngineSettings[K] };
type Apply = (draft: Draft, values: readonly string[]) => void;

const first = (values: readonly string[]): string => values[0] ?? '';
const isOn = (values: readonly string[]): boolean => first(values).toLowerCase() === 'on';

/** Directives that mean something to the engine. */
const APPLIED: Readonly<Record<string, Apply>> = {
  SecRequestBodyAccess: (draft, values) => {
    draft.requestBodyAccess = isOn(values);
  },
  SecResponseBodyAccess: (draft, values) => {
    draft.responseBodyAccess = isOn(values);
  },
  SecResponseBodyMimeType: (draft, values) => {
    draft.responseTypes = new Set(values.flatMap((value) => value.toLowerCase().split(/\s+/)));
  },
  SecArgumentsLimit: (draft, values) => {
    draft.bodyCaps = { ...draft.bodyCaps, argumentsMax: Number(first(values)) };
  },
  SecRequestBodyJsonDepthLimit: (draft, values) => {
    draft.bodyCaps = { ...draft.bodyCaps, depthMax: Number(first(values)) };
  },
  SecCollectionTimeout: (draft, values) => {
    draft.collectionTimeoutSeconds = Number(first(values));
  },
  SecWebAppId: (draft, values) => {
    draft.webAppId = first(values);
  },
  SecAuditEngine: (draft, values) => {
    const value = first(values).toLowerCase();
    draft.audit = value === 'on' || value === 'off' ? value : 'relevant';
  },
  SecAuditLogRelevantStatus: (draft, values) => {
    const pattern = compileStatus(first(values));
    draft.auditStatus = (status) => pattern.matches(new InspectedValue(status).encoded);
  },
  SecArgumentSeparator: (_, values) => {
    if (first(values) === '&') return;
    throw new SecLangReason(`SecArgumentSeparator ${first(values)}: arguments are parted by & only`);
  },
  SecCookieFormat: (_, values) => {
    if (first(values) === '0') return;
    throw new SecLangReason(`SecCookieFormat ${first(values)}: cookies are read as those of version 0 only`);
  },
  SecRuleEngine: (_, values) => {
    if (isOn(values)) return;
    throw new SecLangReason(`SecRuleEngine ${first(values)}: the mode is that of the route; set waf.mode`);
  },
};

/** Directives that another setting of the gateway stands for. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  SecRequestBodyLimit: 'waf.requestBodyBytesMax',
  SecRequestBodyLimitAction: 'waf.requestBodyOver',
  SecResponseBodyLimit: 'waf.responseBodyBytesMax',
  SecResponseBodyLimitAction: 'waf.responseBodyOver',
  SecAuditLog: 'waf.audit.path',
  SecAuditLog2: 'waf.audit.path',
  SecAuditLogFormat: 'waf.audit.format',
  SecAuditLogParts: 'waf.audit.parts',
};

/** Directives without effect here, whatever their value: they tune what this engine does not have. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'SecAuditLogDir',
  'SecAuditLogDirMode',
  'SecAuditLogFileMode',
  'SecAuditLogStorageDir',
  'SecAuditLogType',
  'SecDataDir',
  'SecDebugLog',
  'SecDebugLogLevel',
  'SecPcreMatchLimit',
  'SecPcreMatchLimitRecursion',
  'SecRequestBodyInMemoryLimit',
  'SecRequestBodyNoFilesLimit',
  'SecResponseBodyMimeTypesClear',
  'SecRulePerfTime',
  'SecSensorId',
  'SecStatusEngine',
  'SecTmpDir',
  'SecUnicodeCodePage',
  'SecUnicodeMapFile',
  'SecUploadDir',
  'SecUploadFileLimit',
  'SecUploadFileMode',
  'SecUploadKeepFiles',
]);

/** What a rule set says of every request. @param problems  Takes directives that cannot be honoured. */
export function compileSettings(
  program: RuleProgram,
  defaults: WafDefaults,
  problems: SecLangProblem[],
): EngineSettings {
  const draft: Draft = {
    mode: 'block',
    requestBodyAccess: true,
    responseBodyAccess: true,
    responseTypes: new Set(defaults.responseTypes),
    bodyCaps: defaults.bodyCaps,
    audit: 'relevant',
    auditStatus: null,
    auditParts: defaults.auditParts,
    webAppId: '',
    collectionTimeoutSeconds: 3_600,
  };
  for (const [name, { place, values }] of program.settings) {
    try {
      applySetting(draft, name, values);
    } catch (error) {
      if (!(error instanceof SecLangReason)) throw error;
      problems.push({ place, ruleId: null, message: error.message });
    }
  }
  return Object.freeze(draft);
}

function applySetting(draft: Draft, name: string, values: readonly string[]): void {
  const apply = APPLIED[name];
  if (apply !== undefined) apply(draft, values);
  else if (ELSEWHERE[name] !== undefined)
    throw new SecLangReason(`${name} is not read: set ${ELSEWHERE[name]} instead`);
  // A directive that is refused stands among the settings where its value switches it off.
  else if (DIRECTIVES[name]?.as !== 'refused' && !WITHOUT_EFFECT.has(name))
    throw new SecLangReason(`${name} is not supported: remove it`);
}

function compileStatus(source: string): ReturnType<typeof compileBytePattern> {
  try {
    return compileBytePattern(source);
  } catch (error) {
    throw new SecLangReason(`RE2 refuses the pattern ${source}: ${(error as Error).message}`);
  }
}

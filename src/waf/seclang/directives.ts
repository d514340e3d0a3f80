import {
  ANY_TEXT,
  AUDIT_PARTS,
  FILE_MODE,
  MIME_TYPE,
  ONE_CHARACTER,
  oneOf,
  type ValueKind,
  wholeNumber,
} from './setting-values.ts';

/** How a directive is read. */
export type DirectiveRow =
  /** Has a form of its own: the rules, what changes them, includes. */
  | { readonly as: 'rule'; readonly why: string }
  /** A name with values. `last` may repeat where `repeats`; missing ones from the end where `optional`. */
  | {
      readonly as: 'setting';
      readonly kinds: readonly ValueKind[];
      readonly repeats?: true;
      readonly optional?: number;
      readonly why: string;
    }
  /** Stops the load, unless its one value is among `harmless`: it says what holds anyway and is kept as a setting. */
  | { readonly as: 'refused'; readonly harmless: readonly string[]; readonly why: string };

const ON_OFF = oneOf('On', 'Off');
const BYTES = wholeNumber(0, 1_073_741_824);
const COUNT = wholeNumber(0, 4_294_967_295);

const setting = (kinds: readonly ValueKind[], why: string): DirectiveRow => ({ as: 'setting', kinds, why });
const refused = (why: string, ...harmless: readonly string[]): DirectiveRow => ({ as: 'refused', harmless, why });
const rule = (why: string): DirectiveRow => ({ as: 'rule', why });

/** Every directive that ModSecurity 3 or Coraza document, by its spelling; looked up without regard to case. */
export const DIRECTIVES: Readonly<Record<string, DirectiveRow>> = {
  SecRule: rule('Variables, operator and actions; without actions it is a link of a chain'),
  SecAction: rule('Actions that always run'),
  SecMarker: rule('Where skipAfter goes on'),
  SecDefaultAction: rule('What rules of a phase that follow do by default; once per phase, with a disruptive action'),
  SecRuleRemoveById: rule('Ids and ranges: 1 5-9. Rules that stand before it'),
  SecRuleRemoveByTag: rule('A regular expression. Rules that stand before it'),
  SecRuleRemoveByMsg: rule('A regular expression. Rules that stand before it'),
  SecRuleUpdateTargetById: rule(
    'Ids and ranges, then variables that are added or excluded. Rules that stand before it',
  ),
  SecRuleUpdateTargetByTag: rule('A regular expression, then variables. Rules that stand before it'),
  SecRuleUpdateTargetByMsg: rule('A regular expression, then variables. Rules that stand before it'),
  SecRuleUpdateActionById: rule('An id, or id:link in its chain, then actions. Rules that stand before it'),
  Include: rule('A path or glob, relative to the folder of the file; a glob without a match is a fault'),
  IncludeOptional: rule('The same, where nothing may be found'),

  SecRuleEngine: setting([oneOf('On', 'Off', 'DetectionOnly')], 'Whether rules run, and whether they interrupt'),
  SecRequestBodyAccess: setting([ON_OFF], 'Whether phase 2 sees the body'),
  SecRequestBodyLimit: setting([BYTES], 'Bytes of a body that are read'),
  SecRequestBodyNoFilesLimit: setting([BYTES], 'Bytes of a body, files not counted'),
  SecRequestBodyInMemoryLimit: setting([BYTES], 'Bytes of a body in memory; all of it is'),
  SecRequestBodyLimitAction: setting([oneOf('Reject', 'ProcessPartial')], 'What becomes of a longer body'),
  SecRequestBodyJsonDepthLimit: setting([COUNT], 'Nesting of JSON'),
  SecArgumentsLimit: setting([COUNT], 'Arguments that are read'),
  SecArgumentSeparator: setting([ONE_CHARACTER], 'What stands between arguments of a form'),
  SecCookieFormat: setting([oneOf('0', '1')], 'Version of cookies'),
  SecResponseBodyAccess: setting([ON_OFF], 'Whether phase 4 sees the body'),
  SecResponseBodyLimit: setting([BYTES], 'Bytes of an answer that are read'),
  SecResponseBodyLimitAction: setting([oneOf('Reject', 'ProcessPartial')], 'What becomes of a longer answer'),
  SecResponseBodyMimeType: {
    as: 'setting',
    kinds: [MIME_TYPE],
    repeats: true,
    why: 'Types of answers that are read; further ones add to the list',
  },
  SecResponseBodyMimeTypesClear: setting([], 'Empties that list'),
  SecAuditEngine: setting([oneOf('On', 'Off', 'RelevantOnly')], 'What the audit log holds'),
  SecAuditLog: setting([ANY_TEXT], 'Path of the audit log'),
  SecAuditLogParts: setting([AUDIT_PARTS], 'Parts of a record'),
  SecAuditLogRelevantStatus: setting([ANY_TEXT], 'A regular expression of statuses that belong in it'),
  SecAuditLogType: setting([oneOf('Serial', 'Concurrent', 'Parallel', 'HTTPS')], 'One file or many'),
  SecAuditLogFormat: setting([oneOf('JSON', 'Native', 'JsonLegacy', 'OCSF')], 'Form of a record'),
  SecAuditLogStorageDir: setting([ANY_TEXT], 'Folder of records'),
  SecAuditLogDir: setting([ANY_TEXT], 'The same in Coraza'),
  SecAuditLogDirMode: setting([FILE_MODE], 'Mode of that folder'),
  SecAuditLogFileMode: setting([FILE_MODE], 'Mode of its files'),
  SecDebugLog: setting([ANY_TEXT], 'Path of a debug log'),
  SecDebugLogLevel: setting([wholeNumber(0, 9)], 'What the debug log holds'),
  SecComponentSignature: setting([ANY_TEXT], 'Name and version of a rule set; all of them are kept'),
  SecCollectionTimeout: setting([wholeNumber(0, 2_592_000)], 'Seconds that collections live'),
  SecUnicodeMapFile: {
    as: 'setting',
    kinds: [ANY_TEXT, COUNT],
    optional: 1,
    why: 'Path of a map of Unicode to bytes, and its code page',
  },
  SecTmpDir: setting([ANY_TEXT], 'Folder of temporary files'),
  SecDataDir: setting([ANY_TEXT], 'Folder of collections'),
  SecUploadDir: setting([ANY_TEXT], 'Folder of uploads'),
  SecUploadKeepFiles: refused('Uploads are looked at in memory and never kept', 'Off'),
  SecUploadFileLimit: setting([COUNT], 'Files of an upload'),
  SecUploadFileMode: setting([FILE_MODE], 'Mode of kept uploads; none are'),
  SecPcreMatchLimit: setting([COUNT], 'Steps of PCRE; RE2 needs no limit'),
  SecPcreMatchLimitRecursion: setting([COUNT], 'Depth of PCRE; RE2 has none'),
  SecStatusEngine: refused('Nothing is sent to the authors of ModSecurity', 'Off'),
  SecWebAppId: setting([ANY_TEXT], 'WEBAPPID'),
  SecSensorId: setting([ANY_TEXT], 'Name of this sensor in records'),
  SecServerSignature: refused('The Server field of answers is not changed by rules'),
  SecRulePerfTime: setting([COUNT], 'Microseconds from which a rule is reported as slow'),

  SecHashEngine: refused('Links are not signed', 'Off'),
  SecHashKey: refused('Links are not signed'),
  SecHashParam: refused('Links are not signed'),
  SecHashMethodRx: refused('Links are not signed'),
  SecHashMethodPm: refused('Links are not signed'),
  SecContentInjection: refused('Answers are not written into', 'Off'),
  SecStreamInBodyInspection: refused('STREAM_INPUT_BODY is not provided', 'Off'),
  SecStreamOutBodyInspection: refused('STREAM_OUTPUT_BODY is not provided', 'Off'),
  SecXmlExternalEntity: refused('External entities are never fetched', 'Off'),
  SecParseXmlIntoArgs: refused('XML is in XML, not in ARGS', 'Off'),
  SecDisableBackendCompression: refused('What upstreams are asked for is set per route', 'Off'),
  SecConnEngine: refused('Connections are limited by the gateway', 'Off'),
  SecConnReadStateLimit: refused('Connections are limited by the gateway', '0'),
  SecConnWriteStateLimit: refused('Connections are limited by the gateway', '0'),
  SecReadStateLimit: refused('Connections are limited by the gateway', '0'),
  SecWriteStateLimit: refused('Connections are limited by the gateway', '0'),
  SecCacheTransformations: refused('What is kept of transformations is no setting', 'Off'),
  SecChrootDir: refused('The gateway does not change its root'),
  SecCookieV0Separator: refused('Cookies are separated by semicolons', ';'),
  SecAuditLog2: refused('There is one audit log'),
  SecGeoLookupDb: refused('There is no geo database'),
  SecGsbLookupDb: refused('There is no Safe Browsing database'),
  SecGuardianLog: refused('Logs are not piped to programs'),
  SecHttpBlKey: refused('No lookups are made while a request waits'),
  SecInterceptOnError: refused('What a failed rule means is set per route', 'Off'),
  SecIgnoreRuleCompilationErrors: refused('A rule that cannot be compiled stops the load', 'Off'),
  SecRemoteRules: refused('Rules come from files only'),
  SecRemoteRulesFailAction: refused('Rules come from files only', 'Abort'),
  SecRuleInheritance: refused('Each rule set stands for itself', 'On'),
  SecRuleScript: refused('Rules run no programs'),
  SecDataset: refused('Use @pmFromFile'),
  SecTmpSaveUploadedFiles: refused('Uploads are looked at in memory and never kept', 'Off'),
};

const NAMES = new Map(Object.keys(DIRECTIVES).map((name) => [name.toLowerCase(), name]));

/** The spelling of the table, whatever the case; null for what is not in it. */
export function directiveName(word: string): string | null {
  return NAMES.get(word.toLowerCase()) ?? null;
}

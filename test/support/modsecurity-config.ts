/** Where a rule set lies, and what the engine around it is told. */
export interface RuleSetFolder {
  /** Folder with crs-setup.conf.example, unicode.mapping and rules/. */
  readonly folder: string;
  /** `DetectionOnly` for tests of single rules. */
  readonly engine: 'DetectionOnly' | 'On';
}

/**
 * SecLang in front of the Core Rule Set, as its own regression tests run it: paranoia level 4, detection only, and
 * bounds that tests can reach. Rules 200000 and 200001 choose the body processors of XML and JSON, as ModSecurity's
 * recommended configuration does.
 */
export function engineSettings({ folder, engine }: RuleSetFolder): string {
  return `SecRuleEngine ${engine}
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 13107200
SecRequestBodyLimitAction Reject
SecRequestBodyJsonDepthLimit 512
SecArgumentsLimit 1000
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecResponseBodyLimit 524288
SecResponseBodyLimitAction ProcessPartial
SecArgumentSeparator &
SecCookieFormat 0
SecUnicodeMapFile ${folder}/unicode.mapping 20127
SecPcreMatchLimit 100000
SecPcreMatchLimitRecursion 100000
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\\+|/)|text/)xml" \\
  "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" \\
  "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
`;
}

/** The rule set's own settings for its tests: what crs-setup.conf leaves as comments. */
export const CRS_TEST_SETTINGS = `SecAction "id:900005,phase:1,pass,t:none,nolog,\\
  setvar:tx.blocking_paranoia_level=4,\\
  setvar:tx.crs_validate_utf8_encoding=1,\\
  setvar:tx.arg_name_length=100,\\
  setvar:tx.arg_length=400,\\
  setvar:tx.total_arg_length=64000,\\
  setvar:tx.max_num_args=255,\\
  setvar:tx.max_file_size=64100,\\
  setvar:tx.combined_file_sizes=65535"
`;

/** One file for all: settings, the rule set's set-up, its rules. */
export function crsConfiguration(ruleSet: RuleSetFolder): string {
  return `${engineSettings(ruleSet)}Include ${ruleSet.folder}/crs-setup.conf.example
${CRS_TEST_SETTINGS}Include ${ruleSet.folder}/rules/*.conf
`;
}

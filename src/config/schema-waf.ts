import { type Static, Type } from '@sinclair/typebox';
import { bytes, count, flag, list, millis, oneOf, section, text } from './schema-kit.ts';

/** Settings of the web application firewall. Words are those of SecLang and the OWASP Core Rule Set. */

const AS_SET = '0 for what the rule set says';
const SCORE_MAX = 1_000_000;

const IDS = {
  pattern: '^[1-9][0-9]{0,9}(-[1-9][0-9]{0,9})?$',
  form: 'the id of a rule, such as "942100", or a range, such as "942000-942999"',
};
const TARGET = {
  pattern: '^[A-Z][A-Z_]{1,63}(:[!-~]{1,256})?$',
  form: 'a variable of SecLang, such as ARGS:password or REQUEST_COOKIES:/^sess/',
};

const Levels = {
  paranoia: count(`CRS paranoia level of rules that block; ${AS_SET}.`, 0, 0, 4),
  detectionParanoia: count(`CRS paranoia level of rules that only count; ${AS_SET}.`, 0, 0, 4),
  inboundThreshold: count(
    `Anomaly score of a request from which it is blocked; ${AS_SET}. CRS says 5.`,
    0,
    0,
    SCORE_MAX,
  ),
  outboundThreshold: count(
    `Anomaly score of an answer from which it is blocked; ${AS_SET}. CRS says 4.`,
    0,
    0,
    SCORE_MAX,
  ),
};

const MODES = ['block', 'detect', 'off'] as const;
const MODE_WORDS = 'block ends requests as rules say; detect lets all pass and tells; off looks at nothing.';

const Audit = section('The audit log: what rules found in a request, and parts of it.', {
  path: text('File that records are appended to, opened anew by a reload; - for the log stream; empty for none.', ''),
  format: oneOf('JSON lines, or the serial format of ModSecurity.', ['json', 'native'], 'json'),
  parts: text(
    'Parts of a record, as SecAuditLogParts: B request fields, C request body, E answer body, F answer fields, H rules.',
    'ABFHZ',
    { pattern: '^A[BCEFHIJK]*Z$', form: 'letters of SecAuditLogParts, such as ABFHZ' },
  ),
  redact: Type.Array(Type.String({ minLength: 1 }), {
    description: 'Names of fields, cookies and arguments whose values are never written; case does not matter.',
    default: [
      'access_token',
      'api_key',
      'apikey',
      'authorization',
      'code',
      'cookie',
      'id_token',
      'key',
      'password',
      'proxy-authorization',
      'refresh_token',
      'secret',
      'set-cookie',
      'signature',
      'token',
      'x-api-key',
    ],
  }),
});

export const Waf = section('Web application firewall: SecLang rules, such as the OWASP Core Rule Set (docs/waf.md).', {
  crs: Type.String({
    description: 'Folder of the OWASP Core Rule Set, with crs-setup.conf and rules/; empty for none.',
    default: '',
    file: true,
  }),
  baseline: oneOf(
    "The gateway's own rules against common attacks: auto where crs is empty, on, off.",
    ['auto', 'on', 'off'],
    'auto',
  ),
  rules: list(
    Type.String({ minLength: 1, file: true }),
    'Further files of SecLang rules, read behind the Core Rule Set; * and ? stand for any part of a name.',
  ),
  patches: Type.String({
    description:
      'Folder whose *.conf files are virtual patches: rules that run before all others, live as soon as a file is there (docs/waf-patches.md); empty for none.',
    default: '',
    file: true,
  }),
  patchesExpire: oneOf('Whether a patch must say when it ends.', ['optional', 'required'], 'optional'),
  mode: oneOf(`What rules do on routes that say nothing else: ${MODE_WORDS}`, MODES, 'block'),
  ...Levels,
  requestBodyBytesMax: bytes(
    'Longest request body that is inspected, held until that is done; after inflating, too.',
    131_072,
    0,
    1_073_741_824,
  ),
  requestBodyOver: oneOf(
    'What becomes of a longer one: refuse is 413; partial inspects its beginning, and all goes on, as mode detect does; auto refuses where crs or rules are given.',
    ['auto', 'refuse', 'partial'],
    'auto',
  ),
  responseBodyBytesMax: bytes(
    'Longest body of an answer that is inspected, held until that is done.',
    524_288,
    0,
    1_073_741_824,
  ),
  responseBodyOver: oneOf(
    'What becomes of a longer one: 502, or its beginning is inspected and all of it goes on. Mode detect does the latter.',
    ['refuse', 'partial'],
    'partial',
  ),
  responseTypes: Type.Array(
    Type.String({ pattern: '^[!-~]+/[!-~]+$', form: 'a media type without parameters, such as text/html' }),
    {
      description: 'Media types of answers whose bodies are inspected; all others stream untouched.',
      default: ['text/plain', 'text/html', 'text/xml', 'application/json'],
    },
  ),
  inspectThreads: count(
    'Threads that inspect bodies longer than offloadBytes; 0 for half as many as ingress threads, at least one.',
    0,
    0,
    64,
  ),
  inspectWaiting: count(
    'Most bodies of one ingress thread that wait for an inspect thread; more get 503.',
    32,
    0,
    10_000,
  ),
  inspectDeadlineMs: millis('Longest time from handing a body over to its verdict; then the request gets 503.', 10_000),
  canarySeed: text(
    'Which clients are drawn for policies.waf.canary: any words, the same on all gateways; others draw anew.',
    '',
  ),
  onFailure: oneOf('What becomes of a request that could not be inspected.', ['refuse', 'pass'], 'refuse'),
  gate: flag(
    'Rules are passed over where they cannot hold; false tries each on every value, with the same verdicts.',
    true,
  ),
  argumentsMax: count('Most arguments, files and parts of one body that are read.', 1_000, 1, 1_000_000),
  jsonDepthMax: count('Deepest nesting of JSON and XML that is read.', 512, 1, 10_000, 'levels'),
  audit: Audit,
});

const Target = Type.Object(
  {
    target: Type.String({ description: 'Variable that rules do not look at.', ...TARGET }),
    ids: list(Type.String(IDS), 'Rules that it is hidden from; none for all rules, or those of the tag.'),
    tag: text('Tag of the rules that it is hidden from; empty for none.', ''),
  },
  { additionalProperties: false, description: 'A variable that rules do not look at.' },
);

const Tag = Type.String({ minLength: 1 });

const Canary = Type.Object(
  {
    ids: list(Type.String(IDS), 'Rules: ids or ranges.'),
    tags: list(Tag, 'Rules: tags as they spell them.'),
    percent: Type.Integer({
      description: 'Share of clients that they act for.',
      minimum: 0,
      maximum: 100,
      unit: 'percent',
    }),
  },
  { additionalProperties: false, description: 'Rules that act for a share of clients.' },
);

/** Member of a route's policies. */
export const RouteWaf = section('Web application firewall on this route.', {
  mode: Type.Optional(
    Type.Unsafe<(typeof MODES)[number]>({
      type: 'string',
      enum: [...MODES],
      description: `What rules do here: ${MODE_WORDS}`,
      defaultFrom: 'waf.mode',
    }),
  ),
  paranoia: optional(Levels.paranoia, 'waf.paranoia'),
  detectionParanoia: optional(Levels.detectionParanoia, 'waf.detectionParanoia'),
  inboundThreshold: optional(Levels.inboundThreshold, 'waf.inboundThreshold'),
  outboundThreshold: optional(Levels.outboundThreshold, 'waf.outboundThreshold'),
  detect: section('Rules that only tell here: they are logged and counted, and change nothing.', {
    ids: list(Type.String(IDS), 'Rules that only tell: ids or ranges.'),
    tags: list(Tag, 'Rules that only tell: tags as the rules spell them.'),
  }),
  canary: list(Canary, 'Rules that act for some clients, and only tell for the others.'),
  without: section('What is left out here, against false alarms.', {
    ids: list(Type.String(IDS), 'Rules that do not run: ids or ranges.'),
    tags: list(Type.String({ minLength: 1 }), 'Rules that do not run: tags as the rules spell them.'),
    targets: list(Target, 'Variables that rules do not look at.'),
  }),
});

/** The same row, its default taken from another setting. */
function optional({ description = '', minimum = 0, maximum = 0 }: ReturnType<typeof count>, defaultFrom: string) {
  return Type.Optional(Type.Integer({ description, minimum, maximum, unit: '', defaultFrom }));
}

export type WafConfig = Static<typeof Waf>;
export type RouteWafConfig = Static<typeof RouteWaf>;

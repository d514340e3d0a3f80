import type { ByteText } from '../base/byte-text.ts';
import { parseBody } from '../body/parse-body.ts';
import { decodeUrl } from '../body/urlencoded.ts';
import type { BodyArgument, BodyCaps } from '../parsed-body.ts';
import { compileQueryRedaction } from '../telemetry/query-redaction.ts';
import type { RequestFacts, RuleMatch } from '../waf/inspection.ts';
import { fieldOf } from './answer-fields.ts';

export const REDACTED = '[redacted]';

/** Names within a name: `ARGS:user[token]`, `REQUEST_HEADERS:Authorization`, `ARGS:json.user.password`. */
const NAME_PARTS = /[[\].:]/;
/** Shorter texts stand in others by chance. */
const TELLING_LENGTH_MIN = 4;

/** Variables that hold all of a body, or begin with it. */
const WHOLE_BODY = /^(?:REQUEST_BODY|FULL_REQUEST|XML)/;
/** A body that goes beyond is no reason to look further: what rules saw was bounded by their own. */
const CAPS: BodyCaps = Object.freeze({ argumentsMax: 10_000, depthMax: 512 });

/** What may be written of one exchange. */
export interface Redaction {
  /** @param name  Of a field of the request or the answer. */
  field(name: ByteText, value: ByteText): ByteText;
  target(target: ByteText): ByteText;
  body(contentType: ByteText, body: ByteText): ByteText;
  /** The same rule with what it found, where that tells no secret. */
  match(match: RuleMatch): RuleMatch;
}

/**
 * Compiles `waf.audit.redact`.
 *
 * @param names  Of fields, cookies and arguments; case does not matter.
 * @returns  What may be written of a request. Rules look at values through transformations and parts of them, so what a
 *           rule found is withheld where its variable has a listed name, and where it holds, or is a part of, the value
 *           of a listed field, cookie or argument.
 */
export function compileAuditRedaction(
  names: readonly string[],
): (facts: RequestFacts, requestBody: ByteText) => Redaction {
  const listed = new Set(names.map((name) => name.toLowerCase()));
  const redactQuery = compileQueryRedaction(names);
  const isWithheld = (contentType: ByteText, text: ByteText): boolean => {
    const lower = text.toLowerCase();
    return !isForm(contentType) && [...listed].some((name) => lower.includes(name));
  };
  const isListed = (name: ByteText): boolean => {
    const lower = name.toLowerCase();
    return listed.has(lower) || lower.split(NAME_PARTS).some((part) => listed.has(part));
  };
  const target = (text: ByteText): ByteText => {
    const at = text.indexOf('?');
    return at === -1 ? text : text.slice(0, at + 1) + redactQuery(text.slice(at + 1));
  };
  const field = (name: ByteText, value: ByteText): ByteText => {
    if (isListed(name)) return REDACTED;
    const lower = name.toLowerCase();
    if (lower === 'cookie')
      return value
        .split(';')
        .map((part) => redactQuery(part))
        .join(';');
    if (lower === 'set-cookie') return redactQuery(value);
    return lower === 'referer' ? target(value) : value;
  };
  const body = (contentType: ByteText, text: ByteText): ByteText => {
    if (isForm(contentType)) return redactQuery(text);
    return isWithheld(contentType, text) ? REDACTED : text;
  };

  return (facts, requestBody) => {
    const secrets = secretsOf(facts, requestBody, isListed);
    const hidesBody = isWithheld(fieldOf(facts.fields, 'content-type'), requestBody);
    const tells = (text: ByteText): boolean => {
      if (text.length < TELLING_LENGTH_MIN) return false;
      const lower = text.toLowerCase();
      return secrets.some((secret) => lower.includes(secret) || secret.includes(lower));
    };
    return {
      field,
      target,
      body,
      match: (match) => {
        const { variable, value, transformed, data, message } = match;
        const isOfBody = hidesBody && WHOLE_BODY.test(variable);
        const isHidden = isListed(variable) || isOfBody || tells(value) || tells(transformed);
        return {
          ...match,
          value: isHidden ? REDACTED : value,
          transformed: isHidden ? REDACTED : transformed,
          data: (isHidden && data !== '') || tells(data) ? REDACTED : data,
          message: isHidden && value !== '' && message.includes(value) ? REDACTED : message,
        };
      },
    };
  };
}

/** Values of listed fields, cookies and arguments, as sent and decoded, lower case. */
function secretsOf(
  { fields, target }: RequestFacts,
  body: ByteText,
  isListed: (name: ByteText) => boolean,
): readonly ByteText[] {
  const secrets = new Set<ByteText>();
  const add = (value: ByteText): void => {
    for (const form of [value, decodeUrl(value)]) {
      if (form.length >= TELLING_LENGTH_MIN) secrets.add(form.toLowerCase());
    }
  };
  const addPairs = (text: ByteText, separator: RegExp): void => {
    for (const pair of text.split(separator)) {
      const at = pair.indexOf('=');
      if (at !== -1 && isListed(decodeUrl(pair.slice(0, at)).trim())) add(pair.slice(at + 1));
    }
  };
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name, value] = [fields[i] as ByteText, fields[i + 1] as ByteText];
    if (isListed(name)) add(value);
    if (name.toLowerCase() === 'cookie') {
      for (const pair of value.split(';')) if (isListed('cookie')) add(pair.slice(pair.indexOf('=') + 1).trim());
      addPairs(value, /;/);
    }
  }
  const query = target.indexOf('?');
  if (query !== -1) addPairs(target.slice(query + 1), /[&;]/);
  for (const { name, value } of argumentsOf(fieldOf(fields, 'content-type'), body)) if (isListed(name)) add(value);
  return [...secrets];
}

/** As rules see them. */
function argumentsOf(contentType: ByteText, body: ByteText): readonly BodyArgument[] {
  const type = contentType.toLowerCase();
  const processor = isForm(type) ? 'URLENCODED' : type.startsWith('multipart/') ? 'MULTIPART' : 'JSON';
  return parseBody(processor, contentType, body, CAPS).arguments;
}

function isForm(contentType: ByteText): boolean {
  return contentType.toLowerCase().includes('urlencoded');
}

import type { ByteText } from '../base/byte-text.ts';
import { compileQueryRedaction } from '../telemetry/query-redaction.ts';
import type { RequestFacts, RuleMatch } from '../waf/inspection.ts';
import { fieldOf } from './answer-fields.ts';
import { isForm, namesOne, secretsOf, TELLING_LENGTH_MIN } from './audit-secrets.ts';

export const REDACTED = '[redacted]';

/** Names within a name: `ARGS:user[token]`, `REQUEST_HEADERS:Authorization`, `ARGS:json.user.password`. */
const NAME_PARTS = /[[\].:]/;

/** Variables that hold all of a body, or begin with it. */
const WHOLE_BODY = /^(?:REQUEST_BODY|FULL_REQUEST|XML)/;

/** Texts are looked for in texts: whoever sends more secrets than this has nothing written of what rules found. */
const SECRETS_MAX = 64;

/** What may be written of one exchange. Texts are byte text. */
export interface Redaction {
  /** @param name  Of a field of the request or the answer. */
  field(name: ByteText, value: ByteText): ByteText;
  target(target: ByteText): ByteText;
  requestBody(body: ByteText): ByteText;
  answerBody(contentType: ByteText, body: ByteText): ByteText;
  /** The same rule with what it found, where that tells no secret. */
  match(match: RuleMatch): RuleMatch;
}

/**
 * Compiles `waf.audit.redact`.
 *
 * @param names  Of fields, cookies and arguments; case does not matter.
 * @returns  What may be written of a request. Rules look at values through transformations and parts of them, so what a
 *           rule found is withheld where its variable has a listed name, where a listed name stands in it with a value
 *           behind, and where it holds, or is a part of, the value of a listed field, cookie or argument.
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
    // Referer, Location and their like hold targets.
    return lower === 'set-cookie' ? redactQuery(value) : target(value);
  };
  const body = (contentType: ByteText, text: ByteText, isHidden: boolean): ByteText => {
    if (isForm(contentType)) return redactQuery(text);
    return isHidden ? REDACTED : text;
  };

  return (facts, requestBody) => {
    const contentType = fieldOf(facts.fields, 'content-type');
    const { values, inBody } = secretsOf(facts, requestBody, isListed);
    const hidesBody = inBody || isWithheld(contentType, requestBody);
    const holdsOne = (text: ByteText): boolean => {
      const lower = text.toLowerCase();
      return values.some((value) => lower.includes(value));
    };
    const looked = new Map<ByteText, boolean>();
    const tells = (text: ByteText): boolean => {
      let answer = looked.get(text);
      if (answer === undefined) {
        answer = text !== '' && (values.length > SECRETS_MAX || isTelling(text));
        looked.set(text, answer);
      }
      return answer;
    };
    const isTelling = (text: ByteText): boolean => {
      const lower = text.toLowerCase();
      const isPart = lower.length >= TELLING_LENGTH_MIN && values.some((value) => value.includes(lower));
      return isPart || holdsOne(text) || namesOne(text, isListed);
    };
    return {
      field,
      target,
      requestBody: (text) => body(contentType, text, hidesBody),
      answerBody: (type, text) => body(type, text, isWithheld(type, text)),
      match: (match) => {
        const { variable, value, transformed, data, message } = match;
        const isOfBody = hidesBody && WHOLE_BODY.test(variable);
        const isHidden = isListed(variable) || isOfBody || tells(value) || tells(transformed);
        return {
          ...match,
          value: isHidden ? REDACTED : value,
          transformed: isHidden ? REDACTED : transformed,
          data: (isHidden && data !== '') || tells(data) ? REDACTED : data,
          message:
            (values.length <= SECRETS_MAX && holdsOne(message)) || (isHidden && value !== '' && message.includes(value))
              ? REDACTED
              : message,
        };
      },
    };
  };
}

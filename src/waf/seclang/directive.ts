import type { ByteText } from '../../base/byte-text.ts';
import { parseActions } from './actions.ts';
import { DIRECTIVES } from './directives.ts';
import { idRangesOf, ruleIdOf } from './ids.ts';
import { parseOperator } from './operator.ts';
import { shown } from './problems.ts';
import { SecLangReason } from './reason.ts';
import { ANY_TEXT, oneOf, readValues } from './setting-values.ts';
import type { Directive, Place } from './syntax.ts';
import { checkPattern, parseRuleVariables, parseVariables } from './variables.ts';

/**
 * One directive of its words.
 *
 * @param name    In the spelling of the table; not an Include.
 * @throws  SecLangReason.
 */
export function readDirective(name: string, values: readonly ByteText[], place: Place): Directive {
  const form = FORMS[name];
  if (form !== undefined) {
    if (values.length < form.least || values.length > form.most) {
      throw new SecLangReason(`${name} takes ${form.takes}, not ${values.length} arguments`);
    }
    return form.read(values, place);
  }
  const row = DIRECTIVES[name];
  if (row?.as === 'setting') {
    const most = row.repeats === true ? Number.POSITIVE_INFINITY : row.kinds.length;
    const least = row.kinds.length - (row.optional ?? 0);
    return { kind: 'setting', place, name, values: readValues(name, values, row.kinds, most, least) };
  }
  if (row?.as === 'refused') {
    const value = values.length === 1 ? oneOf(...row.harmless).read(values[0] ?? '') : null;
    if (value !== null) return { kind: 'setting', place, name, values: [value] };
    const harmless = row.harmless.length === 0 ? 'take it out' : `only ${row.harmless.join(', ')} is accepted`;
    throw new SecLangReason(`${name} is not supported: ${row.why}; ${harmless}`);
  }
  throw new SecLangReason(`${name} has no form`);
}

interface Form {
  readonly takes: string;
  readonly least: number;
  readonly most: number;
  readonly read: (values: readonly ByteText[], place: Place) => Directive;
}

const TARGETS = 'then variables (a third argument, the target to replace, is not supported)';

const FORMS: Readonly<Record<string, Form>> = {
  SecRule: {
    takes: 'variables, an operator and actions',
    least: 2,
    most: 3,
    read: ([variables = '', operator = '', actions], place) => ({
      kind: 'rule',
      place,
      variables: parseRuleVariables(variables),
      operator: parseOperator(operator),
      actions: actions === undefined ? [] : parseActions(actions),
    }),
  },
  SecAction: {
    takes: 'actions in quotes',
    least: 1,
    most: 1,
    read: ([actions = ''], place) => ({ kind: 'action', place, actions: parseActions(actions) }),
  },
  SecMarker: {
    takes: 'a name',
    least: 1,
    most: 1,
    read: (values, place) => ({ kind: 'marker', place, name: readValues('SecMarker', values, [ANY_TEXT])[0] ?? '' }),
  },
  SecDefaultAction: {
    takes: 'actions in quotes',
    least: 1,
    most: 1,
    read: ([actions = ''], place) => ({ kind: 'default-action', place, actions: parseActions(actions) }),
  },
  SecRuleRemoveById: {
    takes: 'ids and ranges of ids',
    least: 1,
    most: Number.POSITIVE_INFINITY,
    read: (values, place) => ({ kind: 'remove-by-id', place, ids: values.flatMap(idRangesOf) }),
  },
  SecRuleRemoveByTag: {
    takes: 'a regular expression',
    least: 1,
    most: 1,
    read: ([text = ''], place) => ({ kind: 'remove-by-tag', place, pattern: patternOf(text) }),
  },
  SecRuleRemoveByMsg: {
    takes: 'a regular expression',
    least: 1,
    most: 1,
    read: ([text = ''], place) => ({ kind: 'remove-by-msg', place, pattern: patternOf(text) }),
  },
  SecRuleUpdateTargetById: {
    takes: `ids and ranges of ids, ${TARGETS}`,
    least: 2,
    most: 2,
    read: ([ids = '', variables = ''], place) => ({
      kind: 'update-target-by-id',
      place,
      ids: idRangesOf(ids),
      variables: parseVariables(variables),
    }),
  },
  SecRuleUpdateTargetByTag: {
    takes: `a regular expression, ${TARGETS}`,
    least: 2,
    most: 2,
    read: ([text = '', variables = ''], place) => ({
      kind: 'update-target-by-tag',
      place,
      pattern: patternOf(text),
      variables: parseVariables(variables),
    }),
  },
  SecRuleUpdateTargetByMsg: {
    takes: `a regular expression, ${TARGETS}`,
    least: 2,
    most: 2,
    read: ([text = '', variables = ''], place) => ({
      kind: 'update-target-by-msg',
      place,
      pattern: patternOf(text),
      variables: parseVariables(variables),
    }),
  },
  SecRuleUpdateActionById: {
    takes: 'an id, then actions',
    least: 2,
    most: 2,
    read: ([target = '', actions = ''], place) => {
      const [id = '', link = '0', ...more] = target.split(':');
      if (more.length > 0 || !/^\d{1,4}$/.test(link))
        throw new SecLangReason(`${shown(target)} is not an id, or id:link`);
      return {
        kind: 'update-action-by-id',
        place,
        id: ruleIdOf(id),
        link: Number(link),
        actions: parseActions(actions),
      };
    },
  },
};

function patternOf(text: ByteText): ByteText {
  if (text === '') throw new SecLangReason('an empty regular expression would hold for every rule');
  checkPattern(text);
  return text;
}

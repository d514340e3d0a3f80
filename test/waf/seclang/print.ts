import type { ByteText } from '../../../src/base/byte-text.ts';
import type { ActionPart, Directive, IdRange, Selector, VariablePart } from '../../../src/waf/seclang/syntax.ts';

/** Writes a directive so that it reads back the same. Text with a backslash right before a quote cannot be written. */
export function printDirective(directive: Directive): ByteText {
  switch (directive.kind) {
    case 'rule': {
      const { negated, name, parameter } = directive.operator;
      const operator = word(`${negated ? '!' : ''}@${name} ${parameter}`);
      const actions = directive.actions.length === 0 ? '' : ` ${word(printActions(directive.actions))}`;
      return `SecRule ${word(printVariables(directive.variables))} ${operator}${actions}`;
    }
    case 'action':
      return `SecAction ${word(printActions(directive.actions))}`;
    case 'default-action':
      return `SecDefaultAction ${word(printActions(directive.actions))}`;
    case 'marker':
      return `SecMarker ${word(directive.name)}`;
    case 'setting':
      return [directive.name, ...directive.values.map(word)].join(' ');
    case 'remove-by-id':
      return `SecRuleRemoveById ${printIds(directive.ids)}`;
    case 'remove-by-tag':
      return `SecRuleRemoveByTag ${word(directive.pattern)}`;
    case 'remove-by-msg':
      return `SecRuleRemoveByMsg ${word(directive.pattern)}`;
    case 'update-target-by-id':
      return `SecRuleUpdateTargetById ${word(printIds(directive.ids))} ${word(printVariables(directive.variables))}`;
    case 'update-target-by-tag':
      return `SecRuleUpdateTargetByTag ${word(directive.pattern)} ${word(printVariables(directive.variables))}`;
    case 'update-target-by-msg':
      return `SecRuleUpdateTargetByMsg ${word(directive.pattern)} ${word(printVariables(directive.variables))}`;
    case 'update-action-by-id':
      return `SecRuleUpdateActionById ${directive.id}:${directive.link} ${word(printActions(directive.actions))}`;
  }
}

function word(text: ByteText): ByteText {
  return `"${text.replaceAll('"', '\\"')}"`;
}

function quoted(text: ByteText): ByteText {
  return `'${text.replaceAll("'", "\\'")}'`;
}

function printActions(actions: readonly ActionPart[]): ByteText {
  return actions.map(({ name, value }) => (value === null ? name : `${name}:${quoted(value)}`)).join(', ');
}

function printVariables(parts: readonly VariablePart[]): ByteText {
  const signs = { take: '', count: '&', exclude: '!' };
  return parts.map(({ mode, name, selector }) => `${signs[mode]}${name}${printSelector(selector)}`).join('|');
}

function printSelector(selector: Selector | null): ByteText {
  if (selector === null) return '';
  return selector.kind === 'name' ? `:${quoted(selector.text)}` : `:/${selector.source.replaceAll('/', '\\/')}/`;
}

function printIds(ids: readonly IdRange[]): string {
  return ids.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(' ');
}

import type { ActionPart } from './syntax.ts';

/** Actions of which a rule has one, by what they decide; the last one written holds. Others pile up. */
const GROUPS: Readonly<Record<string, string>> = {
  allow: 'disruptive',
  block: 'disruptive',
  deny: 'disruptive',
  drop: 'disruptive',
  pass: 'disruptive',
  pause: 'disruptive',
  proxy: 'disruptive',
  redirect: 'disruptive',
  log: 'log',
  nolog: 'log',
  auditlog: 'auditlog',
  noauditlog: 'auditlog',
  accuracy: 'accuracy',
  capture: 'capture',
  chain: 'chain',
  id: 'id',
  logdata: 'logdata',
  maturity: 'maturity',
  msg: 'msg',
  multimatch: 'multimatch',
  phase: 'phase',
  rev: 'rev',
  severity: 'severity',
  skip: 'skip',
  skipafter: 'skipafter',
  status: 'status',
  ver: 'ver',
};

const UNIQUE = new Map(Object.entries(GROUPS));

export function isNamed(action: ActionPart, name: string): boolean {
  return action.name.toLowerCase() === name;
}

/** Decides what becomes of the request: `deny`, `pass`, `block` and the like. */
export function isDisruptive(action: ActionPart): boolean {
  return UNIQUE.get(action.name.toLowerCase()) === 'disruptive';
}

/** The last value of that action; null without one. @param name  Lower case. */
export function lastNamed(actions: readonly ActionPart[], name: string): ActionPart | null {
  return actions.findLast((action) => isNamed(action, name)) ?? null;
}

/**
 * What holds of actions in order, defaults first: of each group the last one, at its place; of transformations those
 * behind the last `t:none`.
 */
export function settledActions(actions: readonly ActionPart[]): ActionPart[] {
  const settled: ActionPart[] = [];
  const seen = new Set<string>();
  let isReset = false;
  for (const action of actions.toReversed()) {
    const group = UNIQUE.get(action.name.toLowerCase());
    if (group !== undefined) {
      if (seen.has(group)) continue;
      seen.add(group);
    } else if (isNamed(action, 't')) {
      isReset ||= action.value?.toLowerCase() === 'none';
      if (isReset) continue;
    }
    settled.push(action);
  }
  return settled.reverse();
}

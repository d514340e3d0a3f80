import type { ActionWord } from '../action.ts';

/** `maturity:7`: how long the rule has been in use, 1 to 9. Words for people: it changes nothing. */
export const maturity: ActionWord = { name: 'maturity', value: 'required', apply: () => {} };

import type { ActionWord } from '../action.ts';

/** `accuracy:8`: how sure its author is, 1 to 9. Words for people: it changes nothing. */
export const accuracy: ActionWord = { name: 'accuracy', value: 'required', apply: () => {} };

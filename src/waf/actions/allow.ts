import type { ActionWord } from '../action.ts';
import { SecLangReason } from '../seclang/reason.ts';

/**
 * `allow`: no further rule of any phase but logging. `allow:phase`: none of this phase. `allow:request`: none of the
 * phases of the request.
 */
export const allow: ActionWord = {
  name: 'allow',
  value: 'optional',
  apply: (draft, value) => {
    const scope = value === '' ? 'all' : value.toLowerCase();
    if (scope !== 'all' && scope !== 'phase' && scope !== 'request') {
      throw new SecLangReason(`allow:${value} is not known; allow, allow:phase and allow:request are`);
    }
    draft.disruption = { kind: 'allow', scope };
  },
};

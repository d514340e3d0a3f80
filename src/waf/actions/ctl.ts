import type { ActionWord } from '../action.ts';
import { ABSENT_CONTROLS, CONTROLS } from '../controls.ts';
import { SecLangReason } from '../seclang/reason.ts';

/** `ctl:NAME=value`: changes a setting for the request that runs. */
export const ctl: ActionWord = {
  name: 'ctl',
  value: 'required',
  apply: (draft, value) => {
    const equals = value.indexOf('=');
    const name = equals === -1 ? value : value.slice(0, equals);
    const same = (known: string) => known.toLowerCase() === name.toLowerCase();
    const control = CONTROLS.find((word) => same(word.name));
    if (control === undefined) {
      const absent = Object.entries(ABSENT_CONTROLS).find(([known]) => same(known));
      if (absent !== undefined) throw new SecLangReason(`ctl:${name} is not supported: ${absent[1]}`);
      throw new SecLangReason(`ctl:${name} is not known; ctl knows ${CONTROLS.map((word) => word.name).join(', ')}`);
    }
    if (equals === -1) throw new SecLangReason(`ctl:${value} needs a value`);
    draft.runs.push(control.compile(value.slice(equals + 1)));
  },
};

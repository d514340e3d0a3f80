import type { ControlWord } from '../control.ts';
import { SecLangReason } from '../seclang/reason.ts';

const ENGINES = { on: 'on', off: 'off', relevantonly: 'relevant' } as const;

/** `ctl:auditEngine=Off`: whether this request belongs in the audit log. */
export const auditEngine: ControlWord = {
  name: 'auditEngine',
  compile: (value) => {
    const audit = ENGINES[value.toLowerCase() as keyof typeof ENGINES];
    if (audit === undefined) throw new SecLangReason(`ctl:auditEngine=${value} is none of On, Off, RelevantOnly`);
    return (state) => {
      state.audit = audit;
    };
  },
};

/** `ctl:auditLogParts=+E`: adds parts, takes them out with a minus, or names them all; Z stays last. */
export const auditLogParts: ControlWord = {
  name: 'auditLogParts',
  compile: (value) => {
    const [, sign, parts] = /^([+-]?)([A-KZ]+)$/.exec(value.toUpperCase()) ?? [];
    if (parts === undefined) throw new SecLangReason(`ctl:auditLogParts=${value}: parts are letters A to K and Z`);
    const letters = [...parts];
    return (state) => {
      if (sign === '+') state.auditParts = [...new Set([...state.auditParts, ...letters])].sort().join('');
      else if (sign === '-')
        state.auditParts = [...state.auditParts].filter((part) => !letters.includes(part)).join('');
      else state.auditParts = parts;
    };
  },
};

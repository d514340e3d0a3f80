import type { ActionWord } from '../action.ts';
import { SecLangReason } from '../seclang/reason.ts';

const NAMES = ['EMERGENCY', 'ALERT', 'CRITICAL', 'ERROR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG'];

/** `severity:CRITICAL` or `severity:2`: 0 EMERGENCY to 7 DEBUG, as syslog counts (RFC 5424 6.2.1). */
export const severity: ActionWord = {
  name: 'severity',
  value: 'required',
  apply: (draft, value) => {
    const number = /^[0-7]$/.test(value) ? Number(value) : NAMES.indexOf(value.toUpperCase());
    if (number === -1) throw new SecLangReason(`severity:${value} is none of ${NAMES.join(', ')}`);
    draft.severity = number;
  },
};

import type { ControlWord } from '../control.ts';
import type { WafMode } from '../inspection.ts';
import { SecLangReason } from '../seclang/reason.ts';

const MODES: Readonly<Record<string, WafMode>> = { on: 'block', off: 'off', detectiononly: 'detect' };

/** `ctl:ruleEngine=DetectionOnly`. It never makes a route block whose own mode only detects. */
export const ruleEngine: ControlWord = {
  name: 'ruleEngine',
  compile: (value) => {
    const mode = MODES[value.toLowerCase()];
    if (mode === undefined) throw new SecLangReason(`ctl:ruleEngine=${value} is none of On, Off, DetectionOnly`);
    return (state) => {
      state.mode = mode === 'block' ? state.settings.mode : mode;
    };
  },
};

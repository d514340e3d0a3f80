import type { BodyProcessor } from '../../parsed-body.ts';
import type { ControlWord } from '../control.ts';
import { SecLangReason } from '../seclang/reason.ts';

const PROCESSORS: readonly BodyProcessor[] = ['URLENCODED', 'MULTIPART', 'JSON', 'XML', 'RAW'];

/** `ctl:requestBodyProcessor=JSON`: what reads the body, whatever its content type says. In phase 1. */
export const requestBodyProcessor: ControlWord = {
  name: 'requestBodyProcessor',
  compile: (value) => {
    const processor = PROCESSORS.find((known) => known === value.toUpperCase());
    if (processor === undefined) {
      throw new SecLangReason(`ctl:requestBodyProcessor=${value} is none of ${PROCESSORS.join(', ')}`);
    }
    return (state) => {
      state.processorAsked = processor;
      state.gate?.forget();
    };
  },
};

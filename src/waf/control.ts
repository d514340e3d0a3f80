import type { ByteText } from '../base/byte-text.ts';
import type { RunAction } from './rule.ts';

/** One setting that `ctl` changes for the request that runs. */
export interface ControlWord {
  /** SecLang spelling, without regard to case. */
  readonly name: string;
  /** @throws  SecLangReason for a value that means nothing, or is not supported. */
  readonly compile: (value: ByteText) => RunAction;
}

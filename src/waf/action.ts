import type { ByteText } from '../base/byte-text.ts';
import type { Disruption, RunAction } from './rule.ts';
import type { Template } from './template.ts';

/** A rule while its actions are read. Actions write into it; the last one wins where only one can apply. */
export interface RuleDraft {
  disruption: Disruption | null;
  status: number;
  message: Template | null;
  data: Template | null;
  tags: ByteText[];
  severity: number;
  version: ByteText;
  revision: ByteText;
  logged: boolean;
  audited: boolean;
  /** `skip:N`. */
  skip: number;
  /** `skipAfter:MARKER`; null without. */
  skipAfter: ByteText | null;
  captures: boolean;
  multiMatch: boolean;
  /** Names of transformations, in order. */
  transformations: ByteText[];
  runs: RunAction[];
}

export function emptyDraft(): RuleDraft {
  return {
    disruption: null,
    status: 403,
    message: null,
    data: null,
    tags: [],
    severity: -1,
    version: '',
    revision: '',
    logged: true,
    audited: true,
    skip: 0,
    skipAfter: null,
    captures: false,
    multiMatch: false,
    transformations: [],
    runs: [],
  };
}

/** One SecLang action: one file in src/waf/actions. */
export interface ActionWord {
  readonly name: string;
  readonly value: 'none' | 'required' | 'optional';
  /** @throws  SecLangReason for a value that means nothing, or is not supported. */
  readonly apply: (draft: RuleDraft, value: ByteText) => void;
}

import type { ByteText } from '../base/byte-text.ts';
import type { Entry } from './entry.ts';
import type { ValueScanner } from './gate/scan.ts';
import type { CompiledRule } from './rule.ts';
import type { EngineSettings } from './state.ts';

/** A rule set as one route runs it. Immutable. */
export interface CompiledRules {
  readonly settings: EngineSettings;
  /** Of all operators; null where every rule is tried on every value. */
  readonly scanner: ValueScanner | null;
  /** What TX holds when a request begins, by lower-case name. */
  readonly tx: ReadonlyMap<ByteText, Entry>;
  /** Rules by phase, in order. */
  readonly phases: Readonly<Record<1 | 2 | 3 | 4 | 5, readonly CompiledRule[]>>;
  /** Some rule looks at the body of requests, at that of answers: otherwise bodies pass untouched. */
  readonly readsRequestBody: boolean;
  readonly readsResponseBody: boolean;
}

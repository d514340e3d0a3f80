import type { ByteText } from '../../base/byte-text.ts';

/** Where something stands in a rule set. */
export interface Place {
  readonly file: string;
  /** From 1: the line on which the directive begins. */
  readonly line: number;
}

/** One item of a rule's list of variables: `ARGS`, `&ARGS`, `!ARGS:foo`, `ARGS:/^id_/`, `XML:/*`. */
export interface VariablePart {
  /** `count` for `&`, `exclude` for `!`. */
  readonly mode: 'take' | 'count' | 'exclude';
  /** Upper case: `REQUEST_HEADERS`. */
  readonly name: string;
  /** Behind the colon; null without one. An XPath of XML is a `name`. */
  readonly selector: Selector | null;
}

export type Selector =
  | { readonly kind: 'name'; readonly text: ByteText }
  /** Between slashes, `\/` read as `/`. Case is ignored, as for names. */
  | { readonly kind: 'pattern'; readonly source: ByteText };

export interface OperatorPart {
  readonly negated: boolean;
  /** As written, without the at sign; `rx` where the rule names none. */
  readonly name: string;
  readonly parameter: ByteText;
}

/** `msg:'words'` is name `msg`, value `words`; `deny` has the value null. Names keep their spelling. */
export interface ActionPart {
  readonly name: string;
  readonly value: ByteText | null;
}

/** Ids of `SecRuleRemoveById 1 5-9`: both ends belong to a range. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

/** One directive as it stands in a file. Includes are followed already. */
export type Directive =
  | {
      readonly kind: 'rule';
      readonly place: Place;
      readonly variables: readonly VariablePart[];
      readonly operator: OperatorPart;
      readonly actions: readonly ActionPart[];
    }
  | { readonly kind: 'action'; readonly place: Place; readonly actions: readonly ActionPart[] }
  | { readonly kind: 'marker'; readonly place: Place; readonly name: string }
  | { readonly kind: 'default-action'; readonly place: Place; readonly actions: readonly ActionPart[] }
  /** Everything else that sets something: `SecRequestBodyLimit 131072`. */
  | {
      readonly kind: 'setting';
      readonly place: Place;
      /** SecLang spelling: `SecRuleEngine`. */
      readonly name: string;
      readonly values: readonly ByteText[];
    }
  | { readonly kind: 'remove-by-id'; readonly place: Place; readonly ids: readonly IdRange[] }
  | { readonly kind: 'remove-by-tag' | 'remove-by-msg'; readonly place: Place; readonly pattern: ByteText }
  | {
      readonly kind: 'update-target-by-id';
      readonly place: Place;
      readonly ids: readonly IdRange[];
      readonly variables: readonly VariablePart[];
    }
  | {
      readonly kind: 'update-target-by-tag' | 'update-target-by-msg';
      readonly place: Place;
      readonly pattern: ByteText;
      readonly variables: readonly VariablePart[];
    }
  | {
      readonly kind: 'update-action-by-id';
      readonly place: Place;
      readonly id: number;
      /** 0 for the rule itself, 1 for the first of its chain. */
      readonly link: number;
      readonly actions: readonly ActionPart[];
    };

/** A rule of a chain, or one by itself. */
export interface RuleLink {
  readonly place: Place;
  /** Empty for a SecAction, whose operator is null. */
  readonly variables: readonly VariablePart[];
  readonly operator: OperatorPart | null;
  /**
   * What the rule does, defaults of its phase included (SecDefaultAction); in order, last one wins where only one can.
   * `t` are those that apply, after `t:none`. Without `id`, `phase` and `chain`.
   */
  readonly actions: readonly ActionPart[];
}

/** A rule with the chain behind it: all updates applied. */
export interface LinkedRule {
  readonly kind: 'rule';
  readonly id: number;
  readonly phase: 1 | 2 | 3 | 4 | 5;
  /** At least one; the first gives the rule its id, its phase and its disruptive action. */
  readonly links: readonly RuleLink[];
}

export interface LinkedMarker {
  readonly kind: 'marker';
  readonly place: Place;
  readonly name: string;
}

/** A rule set, ready to be compiled: rules and markers in the order of the files. */
export interface RuleProgram {
  readonly items: readonly (LinkedRule | LinkedMarker)[];
  /** The last of each name wins. SecLang spelling; looked up by that spelling. */
  readonly settings: ReadonlyMap<string, { readonly place: Place; readonly values: readonly ByteText[] }>;
  /** Every SecComponentSignature. */
  readonly components: readonly ByteText[];
}

/** Where a rule set is read from: a disk, or what another thread read from it. */
export interface RuleFiles {
  /** A whole file. @throws SecLangReason with the path and what the system said. */
  read(path: string): ByteText;
  /**
   * Paths that an Include names, sorted.
   * @param pattern  A path or glob (`*`, `?` in any part), absolute or relative to `folder`.
   * @returns  Empty for a glob without matches; a path without wildcards is returned as it is.
   */
  expand(pattern: string, folder: string): readonly string[];
}

// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { LONG_VALUE_BYTES, LONG_VALUES_PER_LENGTH_MAX, WRITTEN_BYTES_MAX } from '../limits.ts';
import type { BodyArgument, BodyCaps, BodyProcessor, ParseBody, ParsedBody } from '../parsed-body.ts';
import { type Entry, NamedValues, NO_ENTRIES } from './entry.ts';
import type { Groups } from './gate/known-results.ts';
import { RequestGate } from './gate/request-gate.ts';
import type { RulePlan } from './gate/rule-plan.ts';
import type { ValueMemory } from './gate/value-memory.ts';
import type { Interruption, RequestFacts, RuleMatch, WafMode } from './inspection.ts';
import type { OpenCollection, OpenCollections } from './open-collections.ts';
import { Removals } from './removals.ts';
import { RequestTarget } from './request-target.ts';
import type { CompiledRule } from './rule.ts';
import { type Captures, InspectedValue } from './value.ts';

/** What the engine is handed, because it lives in folders beside it or is shared by threads. */
export interface WafServices {
  readonly parseBody: ParseBody;
  /** The arguments of a query. Never throws; linear. */
  readonly parseQuery: (query: ByteText) => readonly BodyArgument[];
  /** Has a query or form a percent sign without two hexadecimal digits behind it? */
  readonly hasInvalidEncoding: (text: ByteText) => boolean;
  /** Collections that outlive a request (`initcol`). */
  readonly collections: OpenCollections;
}

/** What the settings of a rule set say of every request. Immutable. */
export interface EngineSettings {
  readonly mode: WafMode;
  readonly requestBodyAccess: boolean;
  readonly responseBodyAccess: boolean;
  /** Media types of answers that are looked at, lower case. */
  readonly responseTypes: ReadonlySet<string>;
  readonly bodyCaps: BodyCaps;
  readonly audit: 'on' | 'off' | 'relevant';
  /** Of what status an answer is relevant to the audit log; null: none is by its status. */
  readonly auditStatus: ((status: string) => boolean) | null;
  readonly auditParts: string;
  readonly webAppId: ByteText;
  readonly collectionTimeoutSeconds: number;
}

/** What a rule set knows whatever the request. */
export interface RuleKnowledge {
  readonly memory: ValueMemory;
  /** Gates of the rules. */
  readonly plan: RulePlan;
  /** What TX holds when a request begins, by lower-case name. */
  readonly tx: ReadonlyMap<ByteText, Entry>;
}

/** Everything known of one request while rules run over it. Fields are read and written by variables and actions. */
export class RequestState {
  readonly facts: RequestFacts;
  readonly settings: EngineSettings;
  readonly services: WafServices;
  readonly target: RequestTarget;
  readonly headers: readonly Entry[];
  /** Null where every rule is tried on every value. */
  readonly gate: RequestGate | null;

  /** What `ctl` may change. */
  mode: WafMode;
  requestBodyAccess: boolean;
  responseBodyAccess: boolean;
  audit: EngineSettings['audit'];
  auditParts: string;
  /** Processor that rules asked for; null: by the content type. */
  processorAsked: BodyProcessor | null = null;
  forcesRequestBody = false;
  readonly removals = new Removals();

  /** Null before phase 2. */
  body: ByteText | null = null;
  isBodyPartial = false;

  /** 0 before phase 3. */
  responseStatus = 0;
  responseHeaders: readonly Entry[] = NO_ENTRIES;
  responseBody: ByteText = '';
  isResponsePartial = false;

  readonly tx: NamedValues;
  readonly env = new NamedValues(WRITTEN_BYTES_MAX);
  readonly captured = new CapturedGroups();
  /** Collections that `initcol` opened, by lower-case name. */
  readonly opened = new Map<string, OpenCollection>();
  /** What each of them was opened with. */
  readonly openedKeys = new Map<string, ByteText>();
  userId: ByteText = '';
  sessionId: ByteText = '';
  resourceId: ByteText = '';

  /** What held in the rule that held last, links of its chain included: `name` is `ARGS:id`. */
  matched: Entry[] = [];
  /** The rule that runs. */
  rule: CompiledRule | null = null;
  highestSeverity = 255;
  /** Number of the look that a rule takes: a new one for each link, and after each value that held. */
  look = 0;
  /** Tells the looks of this request from others'. */
  readonly stamp: object = {};
  readonly matches: RuleMatch[] = [];
  interruption: Interruption | null = null;
  /** Phases that `allow` passes over: 0 none, else the last one. */
  allowedUpTo = 0;

  readonly #memory: ValueMemory | null;
  #parsed: ParsedBody | null = null;
  #parse: (() => ParsedBody) | null = null;
  readonly #values = new Map<ByteText, InspectedValue>();
  readonly #longValues = new Map<number, InspectedValue[]>();
  readonly #names = new Map<readonly Entry[], readonly Entry[]>();
  #headersByName: ReadonlyMap<ByteText, readonly Entry[]> | null = null;
  #getArguments: readonly Entry[] | null = null;
  #cookies: readonly Entry[] | null = null;
  #allArguments: readonly Entry[] | null = null;

  /**
   * @param known  What the rule set knows whatever the request; null where every rule is tried on every value.
   */
  constructor(
    facts: RequestFacts,
    settings: EngineSettings,
    services: WafServices,
    known: RuleKnowledge | null = null,
  ) {
    this.tx = new NamedValues(WRITTEN_BYTES_MAX, known?.tx);
    this.#memory = known?.memory ?? null;
    this.facts = facts;
    this.settings = settings;
    this.services = services;
    this.target = new RequestTarget(facts.target, facts.path);
    this.headers = entriesOf(facts.fields);
    this.gate = known === null ? null : new RequestGate(known.plan);
    this.mode = settings.mode;
    this.requestBodyAccess = settings.requestBodyAccess;
    this.responseBodyAccess = settings.responseBodyAccess;
    this.audit = settings.audit;
    this.auditParts = settings.auditParts;
  }

  /** The one InspectedValue of a text: its forms are computed once, whichever variables it stands in. */
  value(text: ByteText): InspectedValue {
    if (text.length > LONG_VALUE_BYTES) return this.#longValue(text);
    let value = this.#memory?.find(text) ?? this.#values.get(text);
    if (value === undefined) {
      value = this.#memory?.admit(text) ?? new InspectedValue(text, this);
      if (!value.isKept) this.#values.set(text, value);
    }
    return value;
  }

  /** The same of a member, which keeps it. */
  valueOf(entry: Entry): InspectedValue {
    const known = entry.inspected;
    if (known !== undefined && (known.owner === this || known.owner === this.#memory)) return known;
    const value = this.value(entry.value);
    if (entry.isShared !== true) entry.inspected = value;
    return value;
  }

  /** V8 hashes a long string by its length: a map of many that are as long would compare each with all. */
  #longValue(text: ByteText): InspectedValue {
    const alike = this.#longValues.get(text.length) ?? [];
    const known = alike.find((value) => value.text === text);
    if (known !== undefined) return known;
    const value = new InspectedValue(text, this);
    if (alike.length < LONG_VALUES_PER_LENGTH_MAX) alike.push(value);
    this.#longValues.set(text.length, alike);
    return value;
  }

  /** A collection of the names of another, made once. @param entries  An array that stays as it is. */
  namesOf(entries: readonly Entry[]): readonly Entry[] {
    let names = this.#names.get(entries);
    if (names === undefined) {
      names = entries.map(({ name }) => ({ name, value: name }));
      this.#names.set(entries, names);
    }
    return names;
  }

  get getArguments(): readonly Entry[] {
    this.#getArguments ??= this.services.parseQuery(this.target.query);
    return this.#getArguments;
  }

  /** What the body holds; null before phase 2, and where nothing reads it. */
  get parsed(): ParsedBody | null {
    const parse = this.#parse;
    if (parse !== null) {
      this.#parse = null;
      this.#parsed = parse();
    }
    return this.#parsed;
  }

  /**
   * The body is there, for phase 2. It is read when a rule first looks into it, by what processes it now, whatever
   * rules ask for later.
   */
  takeBody(body: ByteText, isPartial: boolean): void {
    if (!this.requestBodyAccess) return;
    this.body = body;
    this.isBodyPartial = isPartial;
    const { processor, services, settings } = this;
    if (body === '' || processor === '') return;
    this.#parse = () => services.parseBody(processor, this.header('content-type') ?? '', body, settings.bodyCaps);
  }

  get postArguments(): readonly Entry[] {
    return this.parsed?.arguments ?? NO_ENTRIES;
  }

  /** Those of the query, then those of the body. */
  get allArguments(): readonly Entry[] {
    if (this.parsed === null) return this.getArguments;
    this.#allArguments ??= [...this.getArguments, ...this.parsed.arguments];
    return this.#allArguments;
  }

  get cookies(): readonly Entry[] {
    this.#cookies ??= cookiesOf(this.headers);
    return this.#cookies;
  }

  /** First field of that name; undefined without one. @param lower  Lower-case name. */
  header(lower: ByteText): ByteText | undefined {
    return this.headersNamed(lower)[0]?.value;
  }

  /** All fields of that name, in order. @param lower  Lower-case name. */
  headersNamed(lower: ByteText): readonly Entry[] {
    this.#headersByName ??= byName(this.headers);
    return this.#headersByName.get(lower) ?? NO_ENTRIES;
  }

  /**
   * What processes the body: asked for by a rule, else by how the content type begins; '' for none. A field that some
   * upstream could take for a form is read as one, and what is wrong with it is found there.
   */
  get processor(): BodyProcessor | '' {
    if (this.processorAsked !== null) return this.processorAsked;
    const type = this.header('content-type')?.toLowerCase() ?? '';
    if (type.startsWith('application/x-www-form-urlencoded')) return 'URLENCODED';
    if (type.startsWith('multipart/form-data')) return 'MULTIPART';
    return '';
  }
}

/** TX.0 to TX.9. A rule that captures anew clears what another left. */
export class CapturedGroups implements Captures {
  groups: Groups = [];
  /** What the operator found just now; counts once the rule holds. Never changed after that. */
  found: Groups = [];
  #own: (ByteText | undefined)[] = [];

  set(index: number, text: ByteText): void {
    if (index <= 9) this.#own[index] = text;
  }

  begin(): void {
    this.#own = [];
    this.found = this.#own;
  }

  keep(): void {
    this.groups = this.found;
  }
}

/** @param fields  Name, value, name, value. */
export function entriesOf(fields: readonly ByteText[]): Entry[] {
  const entries: Entry[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    entries.push({ name: fields[i] as ByteText, value: fields[i + 1] as ByteText });
  }
  return entries;
}

function byName(entries: readonly Entry[]): ReadonlyMap<ByteText, readonly Entry[]> {
  const named = new Map<ByteText, Entry[]>();
  for (const entry of entries) {
    const lower = entry.name.toLowerCase();
    const same = named.get(lower);
    if (same === undefined) named.set(lower, [entry]);
    else same.push(entry);
  }
  return named;
}

/** Cookies as ModSecurity 3 splits them: at semicolons, the name up to the first equals sign, nothing decoded. */
function cookiesOf(headers: readonly Entry[]): Entry[] {
  const cookies: Entry[] = [];
  for (const { name, value } of headers) {
    if (name.toLowerCase() !== 'cookie') continue;
    for (const part of value.split(';')) {
      const pair = part.trimStart();
      if (pair === '') continue;
      const equals = pair.indexOf('=');
      if (equals === -1) cookies.push({ name: pair, value: '' });
      else cookies.push({ name: pair.slice(0, equals), value: pair.slice(equals + 1) });
    }
  }
  return cookies;
}

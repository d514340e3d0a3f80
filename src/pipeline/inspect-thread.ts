import type { MessagePort } from 'node:worker_threads';
import { byteTextOf } from '../base/byte-text.ts';
import { KeyHash } from '../limiter/key-hash.ts';
import { sharedCollections } from '../waf/collections/open.ts';
import { CollectionTable } from '../waf/collections/table.ts';
import type { RuleEngine, RuleSet } from '../waf/engine.ts';
import type { PhaseOutcome, WafProfile } from '../waf/inspection.ts';
import type { OpenCollections } from '../waf/open-collections.ts';
import type { PatchRules } from '../waf/patch.ts';
import { recordedRuleFiles } from '../waf/seclang/rule-files.ts';
import type { FromInspect, InspectAnswer, InspectJob, InspectRules, InspectTask, ToInspect } from './inspect-wire.ts';
import { compilePatches, type WafPatches } from './waf-patches.ts';
import { openRules } from './waf-rules.ts';

/** Rule sets kept: those of now, and those that requests of before a reload began with. */
const KEPT_MAX = 2;

interface KeptRules {
  readonly digest: string;
  readonly opened: RuleSet;
  readonly engines: Map<string, RuleEngine>;
  /** By their digest and a profile; the newest first. */
  patches: readonly KeptPatches[];
}

interface KeptPatches {
  readonly digest: string;
  readonly byProfile: ReadonlyMap<string, PatchRules>;
}

/**
 * One inspect thread: compiles the rules that ingress threads compile, and runs phase 2 of requests whose bodies are
 * long. Lives until the main thread ends it.
 *
 * Threads: created and used on its own thread.
 */
export class InspectThread {
  readonly #control: MessagePort;
  readonly #collections: OpenCollections;
  readonly #ports = new Set<MessagePort>();
  /** The newest first. */
  #kept: readonly KeptRules[] = [];

  constructor({ control, collectionWords, hashSeeds, rules }: InspectTask) {
    this.#control = control;
    this.#collections = sharedCollections(new CollectionTable(collectionWords, new KeyHash(...hashSeeds)));
    this.#use(rules);
  }

  /** Piscina task. @throws  Where rules do not compile: the main thread has compiled them before. */
  static serve(task: InspectTask): Promise<void> {
    return new InspectThread(task).run();
  }

  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#control.on('message', (message: ToInspect) => {
        if (message.kind === 'rules') this.#use(message.rules);
        else if (message.kind === 'ingress') this.#serve(message.port);
        else {
          for (const port of this.#ports) port.close();
          this.#control.close();
          resolve();
        }
      });
    });
  }

  #use({ number, rules, patches, reading }: InspectRules): void {
    const kept = this.#kept.find(({ digest }) => digest === rules.digest) ?? this.#open(rules, reading);
    for (const profile of rules.profiles) {
      if (kept.engines.has(profile)) continue;
      const engine = kept.opened.compile(JSON.parse(profile) as WafProfile);
      if (engine !== null) kept.engines.set(profile, engine);
    }
    if (patches !== null) keepPatches(kept, patches);
    this.#kept = [kept, ...this.#kept.filter((other) => other !== kept)].slice(0, KEPT_MAX);
    this.#control.postMessage({ kind: 'ready', number } satisfies FromInspect);
  }

  #open({ digest, entries, recorded, tables }: InspectRules['rules'], reading: InspectRules['reading']): KeptRules {
    const files = recordedRuleFiles(recorded.texts, recorded.expansions);
    const opened = openRules(files, entries, reading, this.#collections, tables);
    return { digest, opened, engines: new Map(), patches: [] };
  }

  #serve(port: MessagePort): void {
    this.#ports.add(port);
    port.once('close', () => this.#ports.delete(port));
    port.on('message', (job: InspectJob) => port.postMessage(this.#inspect(job)));
  }

  #inspect({ digest, profile, patches, facts, snapshot, body, isPartial }: InspectJob): InspectAnswer {
    const kept = this.#kept.find((one) => one.digest === digest);
    const engine = kept?.engines.get(profile);
    const patchRules = patches === '' ? null : patchesOf(kept, patches, profile);
    if (engine === undefined || patchRules === undefined) return { kind: 'unknown' };
    const inspection = engine.resume(facts, snapshot, patchRules);
    const outcome = sent(inspection.requestBody(byteTextOf(new Uint8Array(body)), isPartial));
    return { kind: 'done', outcome, snapshot: inspection.snapshot() };
  }
}

/** Those of now, and those that requests of before a change began with. */
function keepPatches(kept: KeptRules, patches: WafPatches): void {
  const profiles = [...kept.engines.keys()];
  const others = kept.patches.filter(({ digest }) => digest !== patches.digest);
  const known = kept.patches.find(({ digest }) => digest === patches.digest);
  const missing = profiles.filter((profile) => known?.byProfile.has(profile) !== true);
  const compiled = compilePatches(kept.opened, patches, missing);
  const byProfile = new Map([...(known?.byProfile ?? []), ...compiled]);
  kept.patches = [{ digest: patches.digest, byProfile }, ...others].slice(0, KEPT_MAX);
}

function patchesOf(kept: KeptRules | undefined, digest: string, profile: string): PatchRules | undefined {
  return kept?.patches.find((one) => one.digest === digest)?.byProfile.get(profile);
}

/** What was thrown may hold anything: its words can be sent. */
function sent(outcome: PhaseOutcome): PhaseOutcome {
  if (outcome.kind !== 'failed') return outcome;
  const { error } = outcome;
  return { kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

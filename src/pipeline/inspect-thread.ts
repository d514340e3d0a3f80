import type { MessagePort } from 'node:worker_threads';
import { byteTextOf } from '../base/byte-text.ts';
import { KeyHash } from '../limiter/key-hash.ts';
import { sharedCollections } from '../waf/collections/open.ts';
import { CollectionTable } from '../waf/collections/table.ts';
import type { RuleEngine, RuleSet } from '../waf/engine.ts';
import type { PhaseOutcome, WafProfile } from '../waf/inspection.ts';
import type { OpenCollections } from '../waf/open-collections.ts';
import { recordedRuleFiles } from '../waf/seclang/rule-files.ts';
import type { FromInspect, InspectAnswer, InspectJob, InspectRules, InspectTask, ToInspect } from './inspect-wire.ts';
import { openRules } from './waf-rules.ts';

/** Rule sets kept: those of now, and those that requests of before a reload began with. */
const KEPT_MAX = 2;

interface KeptRules {
  readonly digest: string;
  readonly opened: RuleSet;
  readonly engines: Map<string, RuleEngine>;
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

  #use({ number, rules, reading }: InspectRules): void {
    const kept = this.#kept.find(({ digest }) => digest === rules.digest) ?? this.#open(rules, reading);
    for (const profile of rules.profiles) {
      if (kept.engines.has(profile)) continue;
      const engine = kept.opened.compile(JSON.parse(profile) as WafProfile);
      if (engine !== null) kept.engines.set(profile, engine);
    }
    this.#kept = [kept, ...this.#kept.filter((other) => other !== kept)].slice(0, KEPT_MAX);
    this.#control.postMessage({ kind: 'ready', number } satisfies FromInspect);
  }

  #open({ digest, entries, recorded }: InspectRules['rules'], reading: InspectRules['reading']): KeptRules {
    const files = recordedRuleFiles(recorded.texts, recorded.expansions);
    return { digest, opened: openRules(files, entries, reading, this.#collections), engines: new Map() };
  }

  #serve(port: MessagePort): void {
    this.#ports.add(port);
    port.once('close', () => this.#ports.delete(port));
    port.on('message', (job: InspectJob) => port.postMessage(this.#inspect(job)));
  }

  #inspect({ digest, profile, facts, snapshot, body, isPartial }: InspectJob): InspectAnswer {
    const engine = this.#kept.find((kept) => kept.digest === digest)?.engines.get(profile);
    if (engine === undefined) return { kind: 'unknown' };
    const inspection = engine.resume(facts, snapshot);
    const outcome = sent(inspection.requestBody(byteTextOf(new Uint8Array(body)), isPartial));
    return { kind: 'done', outcome, snapshot: inspection.snapshot() };
  }
}

/** What was thrown may hold anything: its words can be sent. */
function sent(outcome: PhaseOutcome): PhaseOutcome {
  if (outcome.kind !== 'failed') return outcome;
  const { error } = outcome;
  return { kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

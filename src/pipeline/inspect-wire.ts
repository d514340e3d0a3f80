import type { MessagePort } from 'node:worker_threads';
import type { PhaseOutcome, RequestFacts } from '../waf/inspection.ts';
import type { InspectionSnapshot } from '../waf/inspection-snapshot.ts';
import type { WafPatches } from './waf-patches.ts';
import type { BodyReading, WafRules } from './waf-rules.ts';

/** Rules as inspect threads need them: those of one configuration. */
export interface InspectRules {
  /** Another one each time that rules or patches change. */
  readonly number: number;
  readonly rules: WafRules;
  readonly patches: WafPatches | null;
  readonly reading: BodyReading;
}

/** The task that Piscina hands to an inspect thread. It ends when the main thread says so. */
export interface InspectTask {
  readonly rules: InspectRules;
  /** See src/waf/collections/layout.ts. */
  readonly collectionWords: Int32Array<SharedArrayBuffer>;
  /** Of the hash that places them: the same in all threads. */
  readonly hashSeeds: readonly [number, number];
  readonly control: MessagePort;
}

/** Main thread to inspect thread, over `control`. */
export type ToInspect =
  | { readonly kind: 'rules'; readonly rules: InspectRules }
  /** An ingress thread has begun: its jobs come over this port. */
  | { readonly kind: 'ingress'; readonly port: MessagePort }
  | { readonly kind: 'end' };

/** Inspect thread to main thread, over `control`: it has the rules of that number. */
export interface FromInspect {
  readonly kind: 'ready';
  readonly number: number;
}

/** Ingress thread to inspect thread: phase 2 of a request. One at a time over each port. */
export interface InspectJob {
  /** `WafRules.digest`, and a profile as it stands in `WafRules.profiles`. */
  readonly digest: string;
  readonly profile: string;
  /** `WafPatches.digest`; '' for none. */
  readonly patches: string;
  readonly facts: RequestFacts;
  readonly snapshot: InspectionSnapshot;
  /** Transferred. */
  readonly body: ArrayBuffer;
  readonly isPartial: boolean;
}

/** The answer to a job. */
export type InspectAnswer =
  | { readonly kind: 'done'; readonly outcome: PhaseOutcome; readonly snapshot: InspectionSnapshot }
  /** Rules of that digest are not here: they are older than this thread, or older than the rules before. */
  | { readonly kind: 'unknown' };

import { type Family, one } from './families.ts';
import type { MetricsSources } from './render.ts';

/** State of revocations, and of the table of proofs seen. */
export function identityFamilies({ revocations, replays }: MetricsSources): Family[] {
  return [
    {
      kind: 'gauge',
      name: 'sallyport_revocations_capacity',
      help: 'Revocations that operators may make',
      labels: [],
      read: one(() => revocations.capacity),
    },
    {
      kind: 'gauge',
      name: 'sallyport_revocations',
      help: 'Revocations that hold',
      labels: [],
      read: one(() => revocations.inUse),
    },
    {
      kind: 'gauge',
      name: 'sallyport_revocations_unenforced',
      help: 'Revocations of other machines that do not hold here for want of room',
      labels: [],
      read: one(() => revocations.unenforced),
    },
    {
      kind: 'counter',
      name: 'sallyport_revocations_refused_total',
      help: 'Revocations refused for want of room',
      labels: [],
      read: one(() => revocations.refused),
    },
    {
      kind: 'gauge',
      name: 'sallyport_replays_capacity',
      help: 'Proofs of possession that can be remembered',
      labels: [],
      read: one(() => replays.capacity),
    },
    {
      kind: 'gauge',
      name: 'sallyport_replays_kept',
      help: 'Proofs of possession remembered',
      labels: [],
      read: one(() => replays.inUse),
    },
    {
      kind: 'counter',
      name: 'sallyport_replays_seen_total',
      help: 'Proofs refused because they came before',
      labels: [],
      read: one(() => replays.seen),
    },
    {
      kind: 'counter',
      name: 'sallyport_replays_full_total',
      help: 'Proofs refused because no more could be remembered',
      labels: [],
      read: one(() => replays.full),
    },
    {
      kind: 'counter',
      name: 'sallyport_replays_alone_total',
      help: 'Proofs taken without asking the other machines, because Redis did not answer',
      labels: [],
      read: one(() => replays.alone),
    },
  ];
}

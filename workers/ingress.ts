import { Ingress } from '../src/http/ingress.ts';
import type { IngressTask } from '../src/http/ingress-wire.ts';

/** Piscina task: one ingress thread, until it has drained. */
export default function ingress(task: IngressTask): Promise<void> {
  return Ingress.serve(task);
}

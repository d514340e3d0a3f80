// hot path: synchronous, never throws
import type { AuthReason, NotLetIn } from '../identity.ts';

/** A refusal, made once at load: nothing of it varies with the request, so nothing of a credential can get into it. */
export function refusal(reason: AuthReason, detail: string): NotLetIn {
  return Object.freeze({ kind: 'refused', reason, detail });
}

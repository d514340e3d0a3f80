// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import type { RequestState } from '../state.ts';

/** Opens a collection once a request; a second time does nothing, as in ModSecurity. @param lower  `ip`. */
export function openCollection(state: RequestState, lower: string, key: ByteText): void {
  if (state.opened.has(lower)) return;
  const { services, settings } = state;
  state.openedKeys.set(lower, key);
  state.opened.set(lower, services.collections.open(lower, key, settings.collectionTimeoutSeconds));
}

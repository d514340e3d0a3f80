import { lonelyCollections } from '../pipeline/waf-rules.ts';
import type { OpenCollections } from '../waf/open-collections.ts';

/** Collections that no request shares with another: what one recorded request did tells nothing of the next. */
export class FreshCollections implements OpenCollections {
  #opened: OpenCollections | null = null;

  readonly open: OpenCollections['open'] = (collection, key, timeoutSeconds) => {
    this.#opened ??= lonelyCollections();
    return this.#opened.open(collection, key, timeoutSeconds);
  };

  /** Before each request. */
  forget(): void {
    this.#opened = null;
  }
}

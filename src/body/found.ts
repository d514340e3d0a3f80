// hot path: synchronous, never throws

import type { ByteText } from '../base/byte-text.ts';
import type {
  BodyArgument,
  BodyCaps,
  BodyFile,
  BodyProcessor,
  MultipartFlags,
  ParsedBody,
  PartHeader,
} from '../parsed-body.ts';

/** What a processor finds while it reads: lists under one cap, and the first thing that was wrong. */
export class Found {
  readonly arguments: BodyArgument[] = [];
  readonly files: BodyFile[] = [];
  readonly partHeaders: PartHeader[] = [];
  readonly xmlTexts: ByteText[] = [];
  readonly xmlAttributes: ByteText[] = [];
  error: string | null = null;
  readonly #argumentsMax: number;

  constructor(caps: BodyCaps) {
    this.#argumentsMax = caps.argumentsMax;
  }

  /** Keeps the first reason: what follows from it says less. Always false, for `return found.fail(...)`. */
  fail(reason: string): false {
    this.error ??= reason;
    return false;
  }

  /** Is there room for one more? Where not, that is an error. */
  hasRoom(): boolean {
    const count = this.arguments.length + this.files.length + this.xmlTexts.length + this.xmlAttributes.length;
    if (count < this.#argumentsMax) return true;
    return this.fail(`holds more than ${this.#argumentsMax} values`);
  }

  argument(name: ByteText, value: ByteText): boolean {
    if (!this.hasRoom()) return false;
    this.arguments.push({ name, value });
    return true;
  }

  /** The lists themselves: nothing writes to them behind this. */
  body(processor: BodyProcessor, multipart: MultipartFlags | null = null): ParsedBody {
    const { arguments: found, files, partHeaders, xmlTexts, xmlAttributes, error } = this;
    return { processor, arguments: found, files, partHeaders, multipart, xmlTexts, xmlAttributes, error };
  }
}

// hot path: synchronous, never throws
import { valueNamed } from '../entry.ts';
import type { RequestState } from '../state.ts';
import { collection, namesOf, scalar, type Variable } from '../variable.ts';

/** The answer. */
export const RESPONSE_VARIABLES: Readonly<Record<string, Variable>> = {
  OUTBOUND_DATA_ERROR: scalar(({ isResponsePartial }) => (isResponsePartial ? '1' : '0')),
  RESPONSE_BODY: scalar(({ responseBody }) => responseBody),
  RESPONSE_CONTENT_LENGTH: scalar(({ responseBody }) => String(responseBody.length)),
  RESPONSE_CONTENT_TYPE: scalar((state) => responseHeader(state, 'content-type')),
  RESPONSE_HEADERS: collection(({ responseHeaders }) => responseHeaders),
  RESPONSE_HEADERS_NAMES: namesOf(({ responseHeaders }) => responseHeaders),
  RESPONSE_PROTOCOL: scalar(() => 'HTTP/1.1'),
  RESPONSE_STATUS: scalar(({ responseStatus }) => (responseStatus === 0 ? '' : String(responseStatus))),
  STATUS_LINE: scalar(({ responseStatus }) => (responseStatus === 0 ? '' : `HTTP/1.1 ${responseStatus}`)),
};

/** @param lower  Lower-case name. */
function responseHeader({ responseHeaders }: RequestState, lower: string): string {
  return valueNamed(responseHeaders, lower) ?? '';
}

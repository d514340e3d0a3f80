import type { Observed } from './executor.ts';
import type { Expectation } from './stage.ts';

/** @returns  What is wrong, in words; empty for a pass. Source: the checks of go-ftw, in its order. */
export function judgeStage(expected: Expectation, observed: Observed): readonly string[] {
  if (expected.expectError) {
    return observed.error === null ? [`answered ${observed.status}, wanted an error of the connection`] : [];
  }
  if (observed.error !== null) return isRefusalWanted(expected) ? [] : [`no answer: ${observed.error}`];
  const found: string[] = [];
  if (expected.status !== null && expected.status !== observed.status) {
    found.push(`status ${observed.status}, wanted ${expected.status}`);
  }
  if (expected.responseContains !== null && !observed.answer.includes(expected.responseContains)) {
    found.push(`the answer does not contain ${JSON.stringify(expected.responseContains)}`);
  }
  for (const id of expected.expectIds) if (!observed.ids.includes(id)) found.push(`missed ${id}`);
  for (const id of expected.noExpectIds) if (observed.ids.includes(id)) found.push(`unwanted ${id}`);
  if (expected.matchRegex !== null && !someLine(expected.matchRegex, observed)) {
    found.push(`no line of the log matches ${expected.matchRegex}`);
  }
  if (expected.noMatchRegex !== null && someLine(expected.noMatchRegex, observed)) {
    found.push(`a line of the log matches ${expected.noMatchRegex}`);
  }
  if (expected.isolated && observed.ids.length !== 1) found.push(`${observed.ids.length} rules held, wanted one`);
  return found;
}

/**
 * Does a test want the request refused for its form, by whatever reads HTTP? A server that closes, or falls silent,
 * instead of answering 400 does so too.
 */
function isRefusalWanted({ status, expectIds }: Expectation): boolean {
  return status !== null && status >= 400 && status < 500 && expectIds.length === 0;
}

function someLine(source: string, observed: Observed): boolean {
  const pattern = new RegExp(source);
  return observed.lines.some((line) => pattern.test(line));
}

import { alignProblems, ConfigError } from '../config/problems.ts';
import { SallyportError } from '../errors.ts';

/**
 * Why a command ended, for a person at a terminal.
 *
 * @returns Lines with their line ends. A stack only where nobody foresaw the failure.
 */
export function describeFailure(error: unknown): string {
  if (error instanceof ConfigError) {
    const [headline = error.message] = error.message.split('\n', 1);
    return `sallyport: ${headline}\n${alignProblems(error.problems)
      .map((line) => `  ${line}\n`)
      .join('')}`;
  }
  if (error instanceof SallyportError) return `sallyport: ${error.message} [${error.code}]\n${causes(error)}`;
  if (error instanceof Error) return `sallyport: ${error.stack ?? error.message}\n`;
  return `sallyport: ${String(error)}\n`;
}

function causes(error: Error): string {
  let lines = '';
  // Five is more than any chain here; a cycle must not hang the last words.
  let cause = error.cause;
  for (let depth = 0; depth < 5 && cause instanceof Error; depth += 1) {
    lines += `  because: ${cause.message}\n`;
    cause = cause.cause;
  }
  return lines;
}

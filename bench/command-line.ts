/**
 * Options of a command.
 *
 * @param parse  Throws what is wrong with them.
 * @returns  The status to end with where there is nothing to do: 2 for options that make no sense, 0 after help.
 */
export function optionsOf<Options extends { readonly help: boolean }>(
  parse: (args: readonly string[]) => Options,
  args: readonly string[],
  usage: string,
): Options | number {
  let options: Options;
  try {
    options = parse(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (!options.help) return options;
  console.log(usage);
  return 0;
}

/** @param option  As people write it. @throws Error with a sentence about what is wrong. */
export function whole(option: string, text: string, max: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= max) return number;
  throw new Error(`${option} takes a whole number from 1 to ${max}, not "${text}"`);
}

/** What people who attack make of a line to pass filters: the same values on each run. */
export function variantsOf(line: string, index: number): string[] {
  const pick = <T>(list: readonly T[]): T => list[index % list.length] as T;
  return [
    pick([`1' ${line}`, `1" ${line}`, `x') ${line}`, `-1 ${line}`, `' ${line}`, `1)) ${line}`]),
    line.replace(/ /g, pick(['/**/', '\t', '\n', '+', '\xa0', '\0', ' /*x*/ '])),
    line + pick(['-- ', '#', '/*', ' --x', ';', '`', "' and '1'='1", ' -- sp_password', '"']),
    index % 2 === 0 ? line.toUpperCase() : line.toLowerCase(),
    line.replace(/\d+/g, pick(["'a'", '0x1F', '@x', '1e5', '.1', 'x', '"b"', '(1)', '-1'])),
    line.replace(/'/g, pick(['"', "''", "\\'", '`', ''])),
    line.slice(Math.floor(line.length / 3)),
    line.slice(0, Math.ceil((line.length * 2) / 3)),
  ];
}

/** Text that people and programs send and that is no attack: prose, names, JSON, identifiers, code. 640 values. */
export function honestValues(): string[] {
  const values: string[] = [];
  for (let i = 0; values.length < 640; i += 1) {
    const at = <T>(list: readonly T[], step: number): T =>
      list[(i * step + Math.floor(i / list.length)) % list.length] as T;
    const name = at(NAMES, 1);
    const noun = at(NOUNS, 3);
    const verb = at(VERBS, 5);
    const hex = (i * 2_654_435_761).toString(16).padStart(12, '0').slice(-12);
    values.push(
      name,
      `${name} ${verb} the ${noun} and the ${at(NOUNS, 7)}.`,
      `${name}'s ${noun}`,
      `Don't ${verb} it: "${noun}" isn't what we need - ${i} or ${i + 1} will do!`,
      `Can you ${verb} ${i} ${noun}s by ${at(DAYS, 2)}? I'd like ${i % 7} or more; thanks, ${name}`,
      `{"id":${i},"name":"${name}","tags":["${noun}","${verb}"],"price":${i}.99}`,
      `${hex.slice(0, 8)}-${hex.slice(0, 4)}-4${hex.slice(1, 4)}-a${hex.slice(2, 5)}-${hex}`,
      `${2000 + (i % 30)}-0${1 + (i % 9)}-1${i % 10}T10:${10 + (i % 50)}:00Z`,
      `const ${noun} = ${verb}(${i}, '${noun}'); // ${name}`,
      `if (${noun} > ${i} && ${verb}) { return ${noun}.${verb}[${i}]; }`,
      `https://example.com/${noun}/${i}?q=${verb}&page=${i % 9}#${noun}`,
      `${name.toLowerCase().replace(/[^a-z]/g, '.')}@example.com`,
      `+${1 + (i % 90)} (0)${100 + i} ${2000 + i}-${i % 100}`,
      `#${noun} & #${verb} @${name.split(' ')[0]}`,
      `<p class="${noun}">${name} — ${verb}</p>`,
      `${noun}/${verb}/*.${at(['ts', 'md', 'json'], 1)}`,
    );
  }
  return values.map((value) => Buffer.from(value).toString('latin1'));
}

const NAMES = [
  "O'Brien",
  "Conan O'Neill",
  "D'Angelo Russo",
  'Mary-Jane Smith',
  'Union Select Motors',
  'Jean-Luc',
  "L'Oréal",
  'José Álvarez',
  'Ben & Jerry',
  'Anne-Marie de la Cruz',
  'Rock \'n\' Roll "Dave"',
  'Null',
  'Zoë Ångström',
];
const NOUNS = ['order', 'table', 'group', 'select committee', 'union', 'index', 'key', 'view', 'user', 'set', 'case'];
const VERBS = ['select', 'drop', 'update', 'insert', 'like', 'join', 'create', 'delete', 'limit', 'return', 'wait'];
const DAYS = ['Monday', '1/26/2024', 'the 3rd', 'noon', "5 o'clock", 'Friday -- or later'];

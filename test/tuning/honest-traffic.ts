import { CODE, QUERY_WORDS } from '../waf/honest/code.ts';
import { NAMES } from '../waf/honest/names.ts';
import { PROSE } from '../waf/honest/prose.ts';
import { Seeded } from './seeded.ts';

/** A request as the tests of the tuning tools make it. */
export interface MadeRequest {
  readonly id: string;
  readonly method: string;
  readonly target: string;
  /** Name, value, name, value. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** Routes of the site whose traffic this is, for a configuration. */
export const SITE_ROUTES = `
  - { name: wiki, upstream: api, paths: ["/wiki/*"] }
  - { name: tickets, upstream: api, paths: ["/api/tickets/*", "/api/tickets"] }
  - { name: shop, upstream: api, paths: ["/api/*"] }
  - { name: search, upstream: api, paths: ["/search"] }
  - { name: files, upstream: api, paths: ["/files/*"] }
  - { name: account, upstream: api, paths: ["/account/*"] }
  - { name: rest, upstream: api }
`;

/** Requests of honest people and programs, the same for the same seed. */
export function honestTraffic(count: number, seed: number): MadeRequest[] {
  const random = new Seeded(seed);
  return Array.from({ length: count }, (_, index) =>
    made(`honest-${index}`, random.one(random.chance(0.5) ? PLAIN : KINDS)(random), random),
  );
}

type Draft = Pick<MadeRequest, 'method' | 'target' | 'body'> & { readonly type: string };

const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
];

function made(id: string, { method, target, body, type }: Draft, random: Seeded): MadeRequest {
  const fields = [
    'host',
    'www.shop.example',
    'user-agent',
    random.one(AGENTS),
    'accept',
    random.one(['text/html,application/xhtml+xml', 'application/json', '*/*']),
    'accept-language',
    random.one(['en-GB,en;q=0.8', 'de-DE,de;q=0.9,en;q=0.5', 'fr-FR']),
    'cookie',
    `session=${hex(random, 24)}; theme=${random.one(['dark', 'light'])}; ${random.one(COOKIES)}`,
  ];
  if (random.chance(0.3)) fields.push('referer', `https://www.shop.example/${random.one(WORDS)}`);
  if (body !== '') fields.push('content-type', type, 'content-length', String(Buffer.byteLength(body)));
  return { id, method, target, fields, body };
}

const hex = (random: Seeded, length: number): string =>
  Array.from({ length }, () => '0123456789abcdef'[random.below(16)]).join('');

const COOKIES = [
  '_ga=GA1.2.1180463914.1719824011',
  'cart=3',
  'consent=necessary.stats',
  'prefs=name.price.asc',
  'last=%2Fwiki%2Fhome',
];
const WORDS = ['boots', 'lamp', 'desk', 'tea', 'bicycle', 'jacket', 'garden', 'novel', 'speaker', 'rope'];
const SLUGS = ['home', 'deploy', 'sql-tips', 'on-call', 'style-guide', 'release', 'vpn'];
const FILES = ['report 2026 (final).pdf', "O'Neill-cv.docx", 'photo.jpg', 'notes.md', 'backup_1.tar.gz', 'a&b.csv'];
const SNIPPETS = [
  '```sql\nSELECT name, total FROM orders WHERE total > 100 ORDER BY total DESC;\n```',
  '```sql\nUPDATE stock SET amount = amount - 1 WHERE id = 7;\nDELETE FROM carts WHERE age > 30;\n```',
  '```sh\nsudo systemctl restart nginx && tail -f /var/log/nginx/error.log\n```',
  '```sh\ncurl -s https://api.shop.example/v1/health | jq .status\n```',
  '```sh\nchmod +x deploy.sh; ./deploy.sh --env=staging\ncat /etc/hosts | grep shop\n```',
  '```js\ndocument.querySelector("#buy").addEventListener("click", () => alert("bought"));\n```',
  '```html\n<div class="card" style="color: red"><a href="/shop">Shop</a></div>\n```',
  '```php\n<?php echo htmlspecialchars($name); ?>\n```',
  '```py\nimport os\nprint(os.environ["HOME"])\n```',
  'See <b>bold</b> and <a href="https://example.com/a?b=c&d=e">this page</a>.',
  'Copy `../config/app.yaml` to `/etc/app/app.yaml`.',
];

/** What most people write most of the time. */
const SENTENCES = [
  'Thanks, that works now.',
  "I can't find the invoice of last month, could you send it again?",
  'The colour on the screen is not quite the one that arrived.',
  'We moved to a new address; please update it before the next delivery.',
  "It's great, but the zip broke after two weeks.",
  'Is there a discount for ten or more?',
  'Deployed at 14:30, rolled back at 14:45, see below.',
  'Please ask Anna & Tom, they know the details (room 4).',
  "Doesn't fit: 42 is too small, 43 would be right.",
  'Steps: open the page, press save, wait; then it hangs.',
  'My order from 3/5 has not arrived yet!',
  'Great service :-) 5 stars from me.',
  'See you on Monday - I will bring the drawings.',
  'The meeting is moved to Thursday, 10 am.',
  'La livraison est arrivée à temps, merci beaucoup !',
  'Könnten Sie bitte die Rechnung noch einmal schicken?',
  "J'ai reçu l'article hier, il est parfait.",
  'Does the lamp come with a bulb, or do I need to order one?',
  'Could you check whether the update from last night went through?',
  'It happens on my phone only, the laptop is fine.',
];
const PEOPLE = ['Anna Berg', "Sean O'Brien", 'Zoë Müller', 'Jean-Luc Petit', 'Maria da Silva', 'Li Wei', 'T. S. Adler'];

const word = (random: Seeded): string => random.one(WORDS);
/** One in fifty is of those that are hard for whoever looks for attacks. */
const sentence = (random: Seeded): string => random.one(random.chance(0.02) ? PROSE : SENTENCES);
const prose = (random: Seeded, least = 1, most = 3): string =>
  Array.from({ length: least + random.below(most - least + 1) }, () => sentence(random)).join(' ');
const person = (random: Seeded): string => random.one(random.chance(0.03) ? NAMES : PEOPLE);
const query = (pairs: Readonly<Record<string, string>>): string => new URLSearchParams(pairs).toString();
const form = (target: string, pairs: Readonly<Record<string, string>>): Draft => ({
  method: 'POST',
  target,
  body: query(pairs),
  type: 'application/x-www-form-urlencoded',
});
const json = (target: string, value: unknown): Draft => ({
  method: 'POST',
  target,
  body: JSON.stringify(value),
  type: 'application/json',
});
const get = (target: string): Draft => ({ method: 'GET', target, body: '', type: '' });

/** What most of any traffic is. */
const PLAIN: readonly ((random: Seeded) => Draft)[] = [
  (random) => get(`/${random.one(['', 'about', 'help', 'contact', 'news/2026/03'])}`),
  (random) => get(`/wiki/pages/${random.one(SLUGS)}`),
  (random) => get(`/api/items/${random.below(9_999)}?fields=id.name`),
  (random) => get(`/api/items?page=${random.below(50)}&sort=${random.one(['price', 'name'])}`),
  (random) => get(`/search?${query({ q: `${word(random)} ${word(random)}` })}`),
  (random) => get(`/files/${random.one(['logo.svg', 'app.js', 'style.css', 'photo.jpg'])}?v=${random.below(20)}`),
  (random) => get(`/account/orders/${random.below(99_999)}`),
  (random) => json('/api/carts', { sku: hex(random, 8), amount: 1 + random.below(3) }),
];

const KINDS: readonly ((random: Seeded) => Draft)[] = [
  (random) => get(`/${random.one(['', 'about', 'help', 'contact', 'news/2026/03'])}`),
  (random) => get(`/wiki/pages/${random.one(SLUGS)}?rev=${random.below(90)}`),
  (random) => get(`/search?${query({ q: word(random), page: String(random.below(9)), sort: '-price' })}`),
  (random) => get(`/search?${query({ q: random.one(random.chance(0.1) ? QUERY_WORDS : WORDS) })}`),
  (random) => get(`/search?${query({ q: sentence(random).slice(0, 60), lang: 'en' })}`),
  (random) => get(`/search?${query({ q: `"${word(random)}" OR "${word(random)}" -${word(random)}` })}`),
  (random) => get(`/files/${encodeURIComponent(random.one(FILES))}?v=${random.below(20)}`),
  (random) => get(`/api/items?${query({ filter: `{"price":{"$gt":${random.below(90)}}}`, fields: 'id,name' })}`),
  (random) => get(`/api/items/${random.below(9_999)}`),
  (random) =>
    get(`/t?${query({ u: `https://www.shop.example/${word(random)}?a=1&b=2`, t: String(random.below(1e9)) })}`),
  () => get(`/account/login?${query({ next: '/account/orders?open=1' })}`),
  (random) =>
    form(`/wiki/pages/${random.one(SLUGS)}`, {
      title: prose(random, 1, 1).slice(0, 50),
      content: [prose(random), ...(random.chance(0.4) ? [random.one(SNIPPETS)] : []), prose(random)].join('\n\n'),
      summary: random.one(['typo', 'new section', "don't use the old host", 'fix: select the right table']),
    }),
  (random) =>
    form('/wiki/preview', {
      content: `${prose(random)}\n\n${random.chance(0.1) ? random.one(CODE) : prose(random)}`,
      format: 'markdown',
    }),
  (random) =>
    json('/api/tickets', {
      subject: sentence(random).slice(0, 80),
      description: `${prose(random, 2, 5)}\n${random.chance(0.1) ? random.one(SNIPPETS) : ''}`,
      priority: random.one(['low', 'high']),
      log: random.chance(0.1) ? `GET /a/../b HTTP/1.1\nERROR: near "${word(random)}": syntax error` : '',
    }),
  (random) =>
    json(`/api/tickets/${random.below(900)}/comments`, { text: prose(random, 1, 4), internal: random.chance(0.5) }),
  (random) =>
    json('/api/orders', {
      customer: { name: person(random), email: `${word(random)}.${word(random)}+shop@example.com` },
      items: Array.from({ length: 1 + random.below(5) }, () => ({
        sku: hex(random, 8),
        amount: 1 + random.below(4),
        note: random.chance(0.4) ? sentence(random) : '',
      })),
      coupon: random.chance(0.2) ? 'SPRING--10%' : null,
    }),
  (random) =>
    json('/api/events', { events: random.some([1, 2, 3], 1, 6).map((n) => ({ n, at: n * 1_000, path: '/a/b' })) }),
  (random) =>
    form('/account/profile', {
      name: person(random),
      bio: prose(random, 1, 2),
      website: `https://${word(random)}.example/~me/?p=${random.below(90)}`,
      address: `${random.below(200)} ${person(random)} St., #${random.below(40)}`,
    }),
  (random) =>
    form('/account/login', {
      user: `${word(random)}@example.com`,
      password: `${word(random)}${random.one(['!', '#1', "'--", ' & '])}${hex(random, 6)}`,
    }),
  (random) => form('/account/feedback', { stars: String(random.below(6)), comment: prose(random, 1, 4) }),
];

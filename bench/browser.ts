import { hex, pick, type Random } from './random.ts';

const USER_AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
];
const LANGUAGES = [
  'en-GB,en;q=0.8',
  'de-DE,de;q=0.9,en;q=0.6',
  'fr-FR,fr;q=0.9,en-US;q=0.5',
  'pt-BR,pt;q=0.7,en;q=0.3',
];
export const WORDS = [
  'lantern',
  'rope',
  'portcullis',
  'moat',
  'drawbridge',
  'watchtower',
  'banner',
  'gate',
  'ladder',
  'bell',
] as const;

/** Nine header fields, as a page's script sends them; the load generator adds Host and Connection. */
export function browser(random: Random): Readonly<Record<string, string>> {
  return {
    'User-Agent': pick(USER_AGENTS, random),
    Accept: 'application/json, text/plain, */*',
    'Accept-Language': pick(LANGUAGES, random),
    'Accept-Encoding': 'gzip, deflate, br',
    Referer: `https://shop.example/${pick(WORDS, random)}/${random(10_000)}`,
    Cookie: `session=${hex(random)}${hex(random)}; theme=${pick(['dark', 'light'], random)}; seen=${random(100_000)}`,
    'Sec-Fetch-Dest': 'empty',
    'Sec-Fetch-Mode': 'cors',
    'Sec-Fetch-Site': 'same-origin',
  };
}

import { posix } from 'node:path';
import { layersOf } from './lexer.ts';
import type { Rule } from './rule.ts';

/**
 * Folders and top-level files of src from the bottom up. A file imports from lower rows and from its own folder only;
 * folders of one row never import each other. ARCHITECTURE.md says why.
 */
export const RANKS: readonly (readonly string[])[] = [
  ['errors', 'limits', 'verdict', 'base', 'demo'],
  ['config'],
  ['identity', 'issuer-wire', 'parsed-body', 'redis', 'records'],
  ['transaction'],
  [
    'limiter',
    'abuse',
    'throttle',
    'auth',
    'issuers',
    'api-keys',
    'revocation',
    'replay',
    'login',
    'validate',
    'body',
    'waf',
    'cache',
    'upstream',
    'response',
    'telemetry',
    'tls',
    'router',
    'message',
  ],
  ['pipeline'],
  ['http', 'admin', 'tuning'],
  ['gateway', 'workers'],
  ['main'],
  ['cli'],
];

/** Package -> the only files of src and workers that may import it. */
export const DOORS: Readonly<Record<string, readonly string[]>> = {
  'uWebSockets.js': ['src/http/uws.ts'],
  'uws-node20': ['src/http/uws.ts'],
  'uws-node22': ['src/http/uws.ts'],
  '@sinclair/typebox': ['src/config/'],
  ajv: ['src/config/'],
  yaml: ['src/config/'],
  commander: ['src/cli/'],
  pino: ['src/telemetry/log.ts'],
  'pino-pretty': ['src/telemetry/log-pretty.ts'],
  re2: ['src/base/regex.ts'],
  ioredis: ['src/redis/client.ts', 'src/redis/odd-replies.ts'],
  'openid-client': ['src/login/provider.ts'],
  simdjson: ['src/body/json.ts'],
  piscina: ['src/gateway/threads.ts'],
  'prom-client': ['src/telemetry/'],
  tar: ['src/cli/install-crs/archive.ts'],
  ws: ['src/upstream/web-socket-client.ts', 'src/demo/'],
};

const inProduct = (path: string): boolean => /^(src|workers)\/.*\.ts$/.test(path);

export const ARCHITECTURE_RULES: readonly Rule[] = [
  {
    name: 'a file imports from lower ranks and its own folder only',
    applies: inProduct,
    check: (path, text) =>
      importsOf(text)
        .filter(({ from }) => from.startsWith('.'))
        .flatMap(({ from, line }) => {
          const target = posix.join(posix.dirname(path), from);
          const [own, other] = [unitOf(path), unitOf(target)];
          if (own === other || (rankOf(other) !== -1 && rankOf(other) < rankOf(own))) return [];
          // Top-level files are one folder: verdict.ts may know errors.ts.
          const bothTop = [path, target].every((file) => posix.dirname(file) === 'src');
          if (bothTop && rankOf(own) === rankOf(other)) return [];
          return [`line ${line}: ${own} may not import ${other}`];
        }),
    fires: [
      ['src/upstream/pool.ts', "import { x } from '../http/uws.ts';"],
      ['src/upstream/pool.ts', "import type { x } from '../router/match.ts';"],
      ['src/config/load.ts', "import type { Route } from '../transaction.ts';"],
      ['src/errors.ts', "export { x } from './config/schema.ts';"],
      ['src/http/front.ts', "const x = await import('../main.ts');"],
      ['src/pipeline/phases.ts', "import '../nowhere/x.ts';"],
      ['workers/ingress.ts', "import { x } from '../src/cli/main.ts';"],
    ],
    passes: [
      ['src/upstream/pool.ts', "import { x } from './layout.ts';\nimport { y } from '../base/z.ts';"],
      ['src/verdict.ts', "import type { ErrorCode } from './errors.ts';"],
      ['workers/ingress.ts', "import { x } from '../src/http/front.ts';"],
      ['src/upstream/pool.ts', "// import { x } from '../http/uws.ts';"],
    ],
  },
  {
    name: 'each dependency has its door',
    applies: inProduct,
    check: (path, text) =>
      importsOf(text)
        .filter(({ from }) => !from.startsWith('.') && !from.startsWith('node:'))
        .filter(
          ({ from }) => !doorsOf(from).some((door) => (door.endsWith('/') ? path.startsWith(door) : path === door)),
        )
        .map(({ from, line }) => `line ${line}: ${from} has ${doorsOf(from).join(', ') || 'no door'}`),
    fires: [
      ['src/http/front.ts', "import { App } from 'uws-node20';"],
      ['src/http/front.ts', "const uws = require('uWebSockets.js');"],
      ['src/pipeline/account.ts', "import pino from 'pino';"],
      ['src/http/front.ts', "import schema from 'ajv/dist/2020.js';"],
      ['workers/ingress.ts', "import { x } from '@nobody/knows';"],
      ['src/http/socket.ts', "const ws = await import('ws');"],
    ],
    passes: [
      ['src/http/uws.ts', "const uws = require('uWebSockets.js');"],
      ['src/config/validate.ts', "import { Ajv2020 } from 'ajv/dist/2020.js';"],
      ['src/demo/server.ts', "import { WebSocketServer } from 'ws';"],
      ['src/http/front.ts', "import { join } from 'node:path';"],
      ['src/http/front.ts', "const x = Buffer.from('text');"],
    ],
  },
  {
    name: 'hot files are synchronous and never throw',
    applies: (path) => /^(src|workers)\/.*\.ts$/.test(path),
    check: (_path, text) => {
      if (!text.startsWith('// hot path: synchronous, never throws\n')) return [];
      return linesWith(layersOf(text).code, /\b(?:await|throw|async)\b/, (word) => `${word} in a hot file`);
    },
    fires: [
      ['src/http/a.ts', '// hot path: synchronous, never throws\nexport async function f() {}'],
      ['src/http/a.ts', '// hot path: synchronous, never throws\nif (x) throw new Error();'],
      ['src/http/a.ts', '// hot path: synchronous, never throws\nconst x = `${await y}`;'],
    ],
    passes: [
      [
        'src/http/a.ts',
        "// hot path: synchronous, never throws\n// we never throw, nor await\nconst x = 'async throw';",
      ],
      ['src/http/a.ts', 'export async function f() {}'],
    ],
  },
];

interface Import {
  readonly from: string;
  readonly line: number;
}

/** Static, dynamic and `require` imports, re-exports and type imports, without those in comments and strings. */
export function importsOf(text: string): Import[] {
  const { code } = layersOf(text);
  const pattern = /(?<![.\w])(?:from\s*|import\s*\(?\s*|require\s*\(\s*)(['"])/g;
  return [...code.matchAll(pattern)].map((match) => {
    const start = match.index + match[0].length;
    return { from: text.slice(start, text.indexOf(match[1] ?? '', start)), line: lineAt(text, match.index) };
  });
}

export function linesWith(text: string, pattern: RegExp, say: (word: string) => string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const match = pattern.exec(line);
    return match === null ? [] : [`line ${index + 1}: ${say(match[0].trim())}`];
  });
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** `src/upstream/pool.ts` -> `upstream`, `src/errors.ts` -> `errors`, `workers/ingress.ts` -> `workers`. */
function unitOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return top === 'src' ? second.replace(/\.ts$/, '') : top;
}

function rankOf(unit: string): number {
  return RANKS.findIndex((units) => units.includes(unit));
}

/** A package by its name or by a path into it. */
function doorsOf(from: string): readonly string[] {
  const name = from.split('/', from.startsWith('@') ? 2 : 1).join('/');
  return Object.hasOwn(DOORS, name) ? (DOORS[name] ?? []) : [];
}

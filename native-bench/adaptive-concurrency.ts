import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type ModelSample,
  runModel,
  SCENE,
  SERVERS,
  SLOW_FROM_MS,
  SLOW_TO_MS,
} from '../test/throttle/queueing-model.ts';

/**
 * The adaptive bound before an upstream that turns ten times slower for half a minute, in virtual time and from a seed:
 * prints what happens each second, and draws docs/images/adaptive-concurrency.svg.
 * Run: node dist/native-bench/adaptive-concurrency.js
 */
const FILE = 'docs/images/adaptive-concurrency.svg';
const WIDTH = 860;
const LEFT = 62;
const RIGHT = 16;
const PANEL_HEIGHT = 150;
const PANEL_GAP = 52;
const TOP = 44;
const INK = '#444';
const BOUND = '#1f6fb4';
const WORK = '#d9822b';

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly of: (sample: ModelSample) => number;
}

interface Panel {
  readonly title: string;
  readonly top: number;
  readonly step: number;
  readonly lines: readonly Line[];
}

const samples = runModel(SCENE);
const unbounded = runModel({ ...SCENE, settings: { ...SCENE.settings, mode: 'off' } });
const perSecond = 1_000 / SCENE.sampleMs;

const panels: readonly Panel[] = [
  {
    title: 'requests',
    top: 100,
    step: 20,
    lines: [
      { name: 'limit', colour: BOUND, of: ({ limit }) => limit },
      { name: 'under way, most', colour: WORK, of: ({ underWayMax }) => underWayMax },
    ],
  },
  {
    title: 'answers per second',
    top: 2_000,
    step: 500,
    lines: [
      { name: 'served', colour: WORK, of: ({ served }) => served * perSecond },
      { name: 'refused', colour: BOUND, of: ({ refused }) => refused * perSecond },
    ],
  },
  {
    title: 'latency, milliseconds',
    top: 500,
    step: 100,
    lines: [
      { name: 'median', colour: WORK, of: ({ medianMs }) => medianMs },
      { name: 'longest', colour: BOUND, of: ({ longestMs }) => longestMs },
    ],
  },
];

for (const [name, run] of [
  ['adaptive', samples],
  ['off', unbounded],
] as const) {
  console.log(`${name}:   s   limit   under way   served/s   refused/s   median ms   longest ms`);
  for (let second = 1; second <= SCENE.forMs / 1_000; second += 1) {
    const part = run.filter(({ atMs }) => atMs > (second - 1) * 1_000 && atMs <= second * 1_000);
    const last = part.at(-1) as ModelSample;
    const columns = [
      second,
      last.limit,
      Math.max(...part.map(({ underWayMax }) => underWayMax)),
      part.reduce((sum, { served }) => sum + served, 0),
      part.reduce((sum, { refused }) => sum + refused, 0),
      Math.round(last.medianMs),
      Math.round(Math.max(...part.map(({ longestMs }) => longestMs))),
    ];
    console.log(columns.map((value) => String(value).padStart(11)).join(''));
  }
}
mkdirSync(dirname(FILE), { recursive: true });
writeFileSync(FILE, drawing());
console.log(`${FILE} is written`);

function drawing(): string {
  const height = TOP + panels.length * (PANEL_HEIGHT + PANEL_GAP);
  const title = `${SERVERS} servers, ${SCENE.arrivalsPerSecond} requests a second, service 10 ms; 100 ms in the grey stretch`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="${INK}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="14">${title}</text>`,
    ...panels.map((panel, index) => drawPanel(panel, TOP + index * (PANEL_HEIGHT + PANEL_GAP) + 16)),
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, top, step, lines }: Panel, at: number): string {
  const x = (ms: number): number => LEFT + (ms / SCENE.forMs) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => at + PANEL_HEIGHT * (1 - Math.min(1, value / top));
  const parts = [
    `<rect x="${round(x(SLOW_FROM_MS))}" y="${at}" width="${round(x(SLOW_TO_MS) - x(SLOW_FROM_MS))}" height="${PANEL_HEIGHT}" fill="#eee"/>`,
    `<text x="${LEFT}" y="${at - 6}">${title}</text>`,
  ];
  for (let value = 0; value <= top; value += step) {
    parts.push(
      `<path d="M${LEFT} ${round(y(value))}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      `<text x="${LEFT - 6}" y="${round(y(value) + 4)}" text-anchor="end">${value}</text>`,
    );
  }
  for (let ms = 0; ms <= SCENE.forMs; ms += 10_000) {
    parts.push(
      `<text x="${round(x(ms))}" y="${at + PANEL_HEIGHT + 16}" text-anchor="middle">${ms / 1_000}${ms === 0 ? ' s' : ''}</text>`,
    );
  }
  for (const [index, { name, colour, of }] of lines.entries()) {
    const points = samples.map((sample) => `${round(x(sample.atMs))} ${round(y(of(sample)))}`).join('L');
    parts.push(
      `<path d="M${points}" fill="none" stroke="${colour}" stroke-width="1.4"/>`,
      `<text x="${WIDTH - RIGHT - 120 * (lines.length - index - 1)}" y="${at - 6}" text-anchor="end" fill="${colour}">${name}</text>`,
    );
  }
  return parts.join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

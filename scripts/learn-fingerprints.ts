import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isHarmless } from '../src/waf/injection/sqli/harmless.ts';
import { Reading } from '../src/waf/injection/sqli/reading.ts';
import { KIND } from '../src/waf/injection/sqli/token.ts';
import { NO_ORACLE, startOracle } from '../test/waf/injection/oracle.ts';

/**
 * Learns which folded shapes of SQL are injections, and writes src/waf/injection/sqli/fingerprints.ts.
 *
 * Every sequence of up to five kinds of tokens that our own folding leaves as it is becomes a value: a sample text for
 * each kind. ModSecurity's operator, in nginx, says for each whether it is an injection, and by which fingerprint;
 * where that is the sequence that was meant, it is learned. Five million values, about a minute. No list of attacks
 * takes part, so that all lists are tests.
 *
 *   npm run build && node dist/scripts/learn-fingerprints.js
 */
const LENGTH_MAX = 5;

/**
 * Texts of each kind. None holds a quote or `#`, so that each value is read in one way only. Those behind the first are
 * for where that folds: a phrase becomes an operator only after its first word was passed over as a keyword.
 */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  k: ['FROM', 'INTO OUTFILE', 'AT TIME ZONE'],
  U: ['UNION', 'UNION ALL'],
  B: ['HAVING', 'GROUP BY'],
  E: ['SELECT', 'WAITFOR DELAY'],
  t: ['INT', 'CHARACTER VARYING'],
  T: ['DECLARE', 'INSERT INTO'],
  f: ['SIN', 'PROCEDURE ANALYSE'],
  n: ['foozle', 'CREATE OR'],
  v: ['@x', 'CURRENT DATE'],
  s: ['$$a$$'],
  '1': ['1', '\\N'],
  o: ['*', '<', 'SIMILAR TO'],
  '&': ['AND'],
  c: ['/*x*/'],
  A: ['COLLATE'],
  '(': ['('],
  ')': [')'],
  '{': ['{'],
  '}': ['}'],
  ',': [','],
  '.': ['.'],
  // The last byte of a value is no colon but an operator.
  ':': [': '],
  ';': [';'],
  '\\': ['\\'],
  X: ['/*!x*/'],
  '?': ['?'],
};
const KINDS = Object.keys(SAMPLES);

interface Candidate {
  readonly fingerprint: string;
  readonly text: string;
}

const reading = new Reading();

/** All sequences that begin so and stay as they are: what folds once folds with anything behind it too. */
function* sequencesFrom(prefix: string, texts: readonly string[]): Generator<Candidate> {
  for (const kind of KINDS) {
    const fingerprint = prefix + kind;
    let stable: string | undefined;
    for (const sample of SAMPLES[kind] as readonly string[]) {
      const text = [...texts, sample].join(' ');
      reading.read(text, '', false);
      if (reading.fingerprint !== fingerprint) continue;
      stable ??= sample;
      const sharp = sharpen(text, fingerprint);
      if (sharp === undefined) continue;
      yield { fingerprint, text: sharp };
      break;
    }
    if (stable === undefined || reading.token(0).kind === KIND.evil || kind === 'c') continue;
    if (fingerprint.length < LENGTH_MAX) yield* sequencesFrom(fingerprint, [...texts, stable]);
  }
}

/** The same shape in a form that is no honest text: with a sign in front, which folds away, or with other keywords. */
function sharpen(text: string, fingerprint: string): string | undefined {
  for (const variant of [text, `+ ${text}`, text.replace('FROM', 'INTO OUTFILE')]) {
    reading.read(variant, '', false);
    if (reading.fingerprint === fingerprint && !isHarmless(reading)) return variant;
  }
  return undefined;
}

/** Shapes that are injections inside quotes only. */
const QUOTED: readonly Candidate[] = [
  { fingerprint: 's&s', text: "a' AND 'b" },
  { fingerprint: 'sos', text: "a' * 'b" },
];

function groupByHead(fingerprints: readonly string[]): string {
  const groups = new Map<string, string[]>();
  for (const fingerprint of fingerprints) {
    const head = fingerprint.slice(0, 2);
    groups.set(head, [...(groups.get(head) ?? []), fingerprint.slice(2)]);
  }
  const lines: string[] = [];
  for (const [head, tails] of groups) {
    let line = head;
    for (const tail of tails.map((text) => (text === '' ? '-' : text))) {
      if (line.length + tail.length + 1 > 118) {
        lines.push(line);
        line = head;
      }
      line += ` ${tail}`;
    }
    lines.push(line);
  }
  return lines.join('\n');
}

function write(fingerprints: readonly string[]): void {
  const text = `/**
 * ${fingerprints.length} shapes of SQL injection: letters of KIND in upper case. A line has the first two letters, then the rest of
 * each shape that begins so; a dash for none. Made by scripts/learn-fingerprints.ts:
 *
 *   npm run build && node dist/scripts/learn-fingerprints.js
 */
export const FINGERPRINTS = \`
${groupByHead(fingerprints).replaceAll('\\', '\\\\')}
\`;
`;
  writeFileSync(fileURLToPath(new URL('../../src/waf/injection/sqli/fingerprints.ts', import.meta.url)), text);
}

async function learn(): Promise<void> {
  const oracle = await startOracle('detectSQLi');
  try {
    const known = new Set<string>();
    let asked = 0;
    let strange = 0;
    const ask = async (candidates: readonly Candidate[]): Promise<void> => {
      const verdicts = await oracle.judge(candidates.map(({ text }) => text));
      candidates.forEach(({ fingerprint, text }, i) => {
        if (verdicts[i] === fingerprint) known.add(fingerprint.toUpperCase());
        else if (verdicts[i] !== '') {
          strange += 1;
          if (strange <= 20) console.log(`Read otherwise: ${text} is ${fingerprint} here, ${verdicts[i]} there`);
        }
      });
      asked += candidates.length;
    };
    await ask(QUOTED);
    let batch: Candidate[] = [];
    for (const candidate of sequencesFrom('', [])) {
      batch.push(candidate);
      if (batch.length < 20_000) continue;
      await ask(batch);
      batch = [];
    }
    await ask(batch);
    write([...known].sort());
    console.log(`${asked} values asked, ${known.size} shapes learned, ${strange} values read otherwise`);
  } finally {
    await oracle.stop();
  }
}

if (NO_ORACLE === false) await learn();
else {
  console.error(`The shapes cannot be learned: ${NO_ORACLE}`);
  process.exitCode = 1;
}

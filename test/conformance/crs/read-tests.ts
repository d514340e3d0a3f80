import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Fields } from './fields.ts';
import { buildRequest, type RequestParts } from './request-bytes.ts';
import type { Expectation, Stage } from './stage.ts';
import { expandTemplate } from './template.ts';

/**
 * Every stage of every test below a folder, in the order of the paths.
 *
 * Source: the YAML format of go-ftw, schema coreruleset/ftw-tests-schema. Addresses and ports are the executor's.
 * @throws  Error that names the file and the key, for what the format or this reader does not know.
 */
export function readTests(folder: string): readonly Stage[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.ya?ml$/.test(path));
  return paths.sort().flatMap((path) => readTestFile(readFileSync(join(folder, path), 'utf8'), path));
}

/** @param where  Names the file in errors. */
export function readTestFile(text: string, where: string): readonly Stage[] {
  const file = new Fields(parse(text), ['meta', 'rule_id', 'tests'], where);
  // A file is named after its rule.
  const ruleId = file.number('rule_id') ?? Number(/(\d+)\.ya?ml$/.exec(where)?.[1] ?? Number.NaN);
  if (!Number.isInteger(ruleId)) throw new Error(`${where} has no rule_id`);
  return file.list('tests').flatMap((value, index) => {
    const place = `${where} tests[${index}]`;
    const test = new Fields(value, ['test_id', 'test_title', 'desc', 'tags', 'stages'], place);
    // Without a number of its own a test is called by its position.
    const testId = test.number('test_id') ?? index + 1;
    return test.list('stages').map((stage, stageIndex): Stage => {
      const stagePlace = `${place}.stages[${stageIndex}]`;
      const { input, output } = halves(stage, stagePlace);
      return {
        name: `${ruleId}-${testId}${stageIndex === 0 ? '' : `/${stageIndex + 1}`}`,
        ruleId,
        testId,
        description: test.text('desc') ?? '',
        bytes: readInput(input, `${stagePlace}.input`),
        expected: readOutput(output, `${stagePlace}.output`),
      };
    });
  });
}

function halves(value: unknown, where: string): { input: unknown; output: unknown } {
  const stage = new Fields(value, ['description', 'input', 'output'], where);
  return { input: stage.raw('input'), output: stage.raw('output') };
}

const INPUT = [
  'dest_addr',
  'port',
  'protocol',
  'method',
  'uri',
  'version',
  'headers',
  'data',
  'encoded_data',
  'encoded_request',
  'autocomplete_headers',
  'stop_magic',
];

function readInput(value: unknown, where: string): Buffer {
  const input = new Fields(value, INPUT, where);
  const whole = input.text('encoded_request');
  if (whole !== null) return Buffer.from(whole, 'base64');
  const encoded = input.text('encoded_data');
  const data = input.text('data');
  const parts: RequestParts = {
    method: input.text('method') ?? 'GET',
    uri: input.text('uri') ?? '/',
    version: input.text('version') ?? 'HTTP/1.1',
    headers: readHeaders(input.raw('headers'), where),
    data: encoded !== null ? Buffer.from(encoded, 'base64') : Buffer.from(expandTemplate(data ?? ''), 'utf8'),
    // stop_magic is the older name of the opposite.
    autocomplete: input.flag('autocomplete_headers') ?? !(input.flag('stop_magic') ?? false),
  };
  return buildRequest(parts);
}

/** A mapping in YAML: go-ftw sends it sorted by name, so that a request is always the same. */
function readHeaders(value: unknown, where: string): readonly (readonly [string, string])[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`${where}.headers is not a mapping`);
  return Object.entries(value)
    .map(([name, text]): [string, string] => {
      if (text !== null && typeof text === 'object') throw new Error(`${where}.headers.${name} is not a text`);
      return [name, text === null ? '' : String(text)];
    })
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

export const OUTPUT = ['status', 'response_contains', 'log', 'expect_error', 'retry_once', 'isolated'];
const LOG = ['expect_ids', 'no_expect_ids', 'match_regex', 'no_match_regex'];

export function readOutput(value: unknown, where: string): Expectation {
  const output = new Fields(value, OUTPUT, where);
  const log = new Fields(output.raw('log'), LOG, `${where}.log`);
  return {
    status: output.number('status'),
    expectIds: log.numbers('expect_ids'),
    noExpectIds: log.numbers('no_expect_ids'),
    matchRegex: log.text('match_regex'),
    noMatchRegex: log.text('no_match_regex'),
    responseContains: output.text('response_contains'),
    expectError: output.flag('expect_error') ?? false,
    retryOnce: output.flag('retry_once') ?? false,
    isolated: output.flag('isolated') ?? false,
  };
}

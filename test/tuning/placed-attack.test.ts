import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Judges } from '../../src/tuning/judges.ts';
import { placedAttack } from '../../src/tuning/placed-attack.ts';
import { Folder, recordsOf } from './support.ts';

const folder = new Folder();
const VARIABLES =
  'ARGS|ARGS_GET|ARGS_NAMES|REQUEST_COOKIES|REQUEST_HEADERS|REQUEST_FILENAME|REQUEST_BASENAME|REQUEST_URI|QUERY_STRING|' +
  'REQUEST_BODY|XML:/*|FILES|FILES_NAMES';
/** A rule for each, so that each tells. */
const rules = VARIABLES.split('|').map(
  (variable, index) =>
    `SecRule ${variable} "@contains <mark>" "id:${100 + index},phase:2,t:none,t:urlDecodeUni,pass,log,auditlog"`,
);
const judges = Judges.open(folder.config(rules.join('\n')), 'block');

/** Variables that hold a placed attack. */
function heldIn(target: string, name: string | null = null): string[] {
  const [sample] = recordsOf(
    folder.file(
      'sample.jsonl',
      '{"method":"POST","url":"/a/b?c=d","headers":{"content-type":"application/json","cookie":"k=v"},"body":"{}"}\n',
    ),
  ).records;
  const [route] = judges.config.routes;
  assert.ok(sample && route);
  const record = placedAttack(sample, target, name, { name: 'marked', value: '<mark>; "x"' });
  assert.equal(record.id, `marked in ${target}`);
  return judges
    .of(route)
    .judge(record)
    .matches.map(({ variable }) => variable);
}

describe('an attack stands where its target is', () => {
  for (const [target, name, expected] of [
    ['ARGS:text', null, 'ARGS:text'],
    ['ARGS:/^a\\x20b$/', 'a b', 'ARGS:a b'],
    ['ARGS', 'one', 'ARGS:one'],
    ['ARGS_GET:x', null, 'ARGS_GET:x'],
    ['ARGS_NAMES', null, 'ARGS_NAMES:<mark>; "x"'],
    ['REQUEST_COOKIES:k', null, 'REQUEST_COOKIES:k'],
    ['REQUEST_HEADERS:x-note', null, 'REQUEST_HEADERS:x-note'],
    ['REQUEST_FILENAME', null, 'REQUEST_FILENAME'],
    ['REQUEST_BASENAME', null, 'REQUEST_BASENAME'],
    ['REQUEST_URI', null, 'REQUEST_URI'],
    ['QUERY_STRING', null, 'QUERY_STRING'],
    ['REQUEST_BODY', null, 'REQUEST_BODY'],
    ['XML:/*', null, 'XML:/*'],
    ['FILES', 'up', 'FILES:up'],
  ] as const) {
    test(target, () => {
      const held = heldIn(target, name);
      assert.ok(held.includes(expected), held.join());
    });
  }
});

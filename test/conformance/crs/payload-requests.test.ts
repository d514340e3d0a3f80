import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';
import { readPayloads } from './payload-lists.ts';
import { PLACES, payloadRequests } from './payload-requests.ts';
import { readRawRequest } from './raw-request.ts';
import { ANYTHING } from './stage.ts';
import { stagePayloads } from './stage-payloads.ts';

const LISTS = {
  attacks: [[{ list: 'sqli', text: `' or "1"=1;<a>\\ & \xe9\x00\r\n%41` }]],
  honest: [{ list: 'honest', text: 'lock and key' }],
};
const TESTS = [{ list: 'crs-1', text: '%2541 {"a":1}' }];
const CONNECTION = {
  uniqueId: '',
  clientAddress: '127.0.0.2',
  clientPort: 2,
  serverAddress: '127.0.0.1',
  serverPort: 1,
  startedAtMs: 0,
};

test('the same seed gives the same requests, and more of them begin with the same', () => {
  const requests = payloadRequests(LISTS, TESTS, 400, 3);
  assert.deepEqual(payloadRequests(LISTS, TESTS, 300, 3), requests.slice(0, 300));
  assert.notDeepEqual(payloadRequests(LISTS, TESTS, 400, 4), requests);
});

test('every place is used, and every request has one reading', () => {
  const requests = payloadRequests(LISTS, TESTS, 400, 3);
  const seen = new Set<string>();
  for (const { name, bytes } of requests) {
    seen.add(name.replace(/^\d+ /, '').replace(/ (sqli|honest|crs-1)$/, ''));
    const request = readRawRequest(bytes, CONNECTION);
    if (request.kind === 'refused') assert.fail(`${name}: ${request.reason}`);
    assert.ok(!/[\s\x7f-\xff]/.test(request.facts.target), name);
    const length = request.facts.fields.indexOf('Content-Length');
    const said = length === -1 ? 0 : Number(request.facts.fields[length + 1]);
    const headBytes = bytes.indexOf('\r\n\r\n') + 4;
    assert.deepEqual([said, request.body.length], [bytes.length - headBytes, said], name);
  }
  assert.deepEqual([...seen].sort(), Object.keys(PLACES).sort());
});

test('JSON is JSON', () => {
  const bodies = payloadRequests(LISTS, TESTS, 400, 3)
    .filter(({ name }) => name.includes(' JSON '))
    .map(({ bytes }) => bytes.toString('latin1').split('\r\n\r\n').slice(1).join('\r\n\r\n'));
  assert.ok(bodies.length > 20);
  for (const body of bodies) assert.doesNotThrow(() => JSON.parse(body), body);
});

const folder = sharedMaterial('injection/lists');

test('payload lists', { skip: folder === null ? NO_MATERIAL : false }, () => {
  const { attacks, honest } = readPayloads(folder ?? '');
  assert.deepEqual([attacks.length, attacks.flat().length, honest.length], [40, 13_234, 283]);
  assert.ok(attacks.flat().some(({ text }) => text.startsWith('SO_BUY AND IF(1=1,BENCHMARK(')));
});

test('payloads of stages', () => {
  const stage = (bytes: string) => ({
    name: '7-1',
    ruleId: 7,
    testId: 1,
    description: '',
    bytes: Buffer.from(bytes, 'latin1'),
    expected: ANYTHING,
  });
  const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5';
  const found = stagePayloads([
    stage('GET /?a=%41+b&c&a= HTTP/1.1\r\nHost: x\r\nX-A: y\r\n\r\n'),
    stage(`POST /?c HTTP/1.1\r\n${form}\r\n\r\nd=%41`),
    stage('POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\ne=1'),
    stage('nothing'),
  ]);
  assert.deepEqual(
    found.map(({ text }) => text),
    ['A b', 'c', 'y', 'A', 'e=1'],
  );
  assert.equal(found[0]?.list, 'crs-7');
});

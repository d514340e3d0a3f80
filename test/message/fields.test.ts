import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FIELD_NAMES_REMEMBERED_MAX } from '../../src/limits.ts';
import * as fields from '../../src/message/fields.ts';

const names = new fields.FieldNames([]);

describe('classes of field names', () => {
  test('framing, connection and identity fields are told from the rest', () => {
    assert.equal(names.classOf('host'), fields.HOST);
    assert.equal(names.classOf('content-length'), fields.CONTENT_LENGTH);
    assert.equal(names.classOf('transfer-encoding'), fields.TRANSFER_ENCODING);
    for (const name of [
      'keep-alive',
      'te',
      'trailer',
      'proxy-authorization',
      'x-forwarded-port',
      'x-http-method-override',
    ]) {
      assert.equal(names.classOf(name), fields.DROP, name);
    }
    for (const name of ['accept', 'x', 'accept-encoding', '!#$%&’*'.replace('’', "'"), 'x_y', 'a.b|c~d^e`f']) {
      assert.equal(names.classOf(name), fields.FORWARD, name);
    }
  });

  test('what another parser could read as a reserved name is refused: underscores and other signs in any mixture', () => {
    const lookAlikes = [
      'content_length',
      'transfer_encoding',
      'x_forwarded_for',
      'x-forwarded_for',
      'x_forwarded-for',
      'x.forwarded.for',
      'x-forwarded~for',
      'x|request_id',
      'x_http_method_override',
      'proxy_authorization',
      'user_agent',
      'x_request_id',
    ];
    for (const name of lookAlikes) assert.equal(names.classOf(name), fields.BAD, name);
  });

  test('a name that is no token is refused', () => {
    for (const name of [
      '',
      ' host',
      'host ',
      'a:b',
      'a b',
      'a\tb',
      'a\0',
      'é',
      'A',
      '"a"',
      'a/b',
      'a(b)',
      'a{b',
      'a\x7f',
    ]) {
      assert.equal(names.classOf(name), fields.BAD, JSON.stringify(name));
    }
  });

  test('names of Object’s prototype are names like others', () => {
    for (const name of ['constructor', '__proto__', 'tostring', 'hasownproperty']) {
      assert.equal(names.classOf(name), fields.FORWARD, name);
    }
  });
});

describe('captured names', () => {
  test('have classes of their own; reserved ones keep theirs', () => {
    const own = new fields.FieldNames(['x-tenant', 'user-agent', 'x-shard']);
    assert.equal(own.classOf('x-tenant'), fields.CAPTURED);
    assert.equal(own.classOf('user-agent'), fields.USER_AGENT);
    assert.equal(own.classOf('x-shard'), fields.CAPTURED + 2);
    assert.equal(names.classOf('x-tenant'), fields.FORWARD);
  });

  test('and are protected from look-alikes as well', () => {
    for (const name of ['x_tenant', 'x.tenant', 'x^tenant']) {
      assert.equal(new fields.FieldNames(['x-tenant']).classOf(name), fields.BAD, name);
    }
  });
});

describe('memory of names', () => {
  test('is bounded, and classes stay right when a stranger fills it', () => {
    const learned = new fields.FieldNames(['x-tenant']);
    for (let i = 0; i < 5 * FIELD_NAMES_REMEMBERED_MAX; i += 1) {
      assert.equal(learned.classOf(`x-random-${i}`), fields.FORWARD);
      assert.ok(learned.remembered <= FIELD_NAMES_REMEMBERED_MAX, `${learned.remembered} names remembered`);
    }
    assert.equal(learned.classOf('host'), fields.HOST);
    assert.equal(learned.classOf('x-tenant'), fields.CAPTURED);
    assert.equal(learned.classOf('content_length'), fields.BAD);
  });
});

test('names too long for an honest client are judged but not remembered', () => {
  const learned = new fields.FieldNames([]);
  const before = learned.remembered;
  const long = 'x'.repeat(10_000);
  assert.equal(learned.classOf(long), fields.FORWARD);
  assert.equal(learned.classOf(`${long} `), fields.BAD);
  assert.equal(learned.remembered, before);
  assert.equal(learned.classOf('9'.repeat(40)), fields.FORWARD);
  assert.equal(learned.remembered, before + 1);
});

describe('what a Connection field may take off', () => {
  test('fields that only concern this hop', () => {
    for (const name of ['x-hop', 'accept', 'x-debug']) assert.equal(fields.isRemovable(name), true, name);
  });

  test('never what framing, identity or a policy rests on', () => {
    const kept = ['host', 'content-length', 'transfer-encoding', 'authorization', 'cookie', 'content-type', 'origin'];
    for (const name of [...kept, 'x-api-key', 'x-csrf-token', 'x-forwarded-for', 'range', 'if-match', 'dpop', 'te']) {
      assert.equal(fields.isRemovable(name), false, name);
    }
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileClaims } from '../../src/message/claims.ts';
import { isRemovable } from '../../src/message/fields.ts';
import { type Downstream, Transaction, type TransactionOwner } from '../../src/transaction.ts';

const CAPTURED = ['x-shard', 'x-real-ip', 'true-client-ip'];
const dropClaims = compileClaims(['X-Real-IP', 'true-client-ip', 'x-real-ip'], CAPTURED);

/** Only plain fields are read and written; neither end is ever called. */
function dropped(forwardFields: string, captured: string[] | null): Transaction {
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  Object.assign(tx, { forwardFields, captured });
  dropClaims(tx);
  return tx;
}

test('claims go, wherever and however often they stand; the rest stays byte for byte', () => {
  const values: string[] = [];
  values[1] = '1.1.1.1';
  values[2] = '';
  const tx = dropped(
    'x-real-ip: 2.2.2.2\r\naccept: x-real-ip: 1\r\ntrue-client-ip: \r\nx-real-ipp: 3\r\nx-real-ip: 1.1.1.1\r\nx-shard: \r\n',
    values,
  );
  assert.equal(tx.forwardFields, 'accept: x-real-ip: 1\r\nx-real-ipp: 3\r\nx-shard: \r\n');
});

test('a value that is gone is not balanced by either; other captured ones are', () => {
  const tx = dropped('x-shard: 7\r\nx-real-ip: 1.1.1.1\r\n', ['7', '1.1.1.1']);
  assert.deepEqual(tx.captured, ['7', '']);
  assert.equal(tx.forwardFields, 'x-shard: 7\r\n');
});

test('requests without claims are not touched', () => {
  assert.equal(dropped('accept: a\r\n', null).forwardFields, 'accept: a\r\n');
  const tx = dropped('x-shard: 7\r\n', ['7']);
  assert.equal(tx.forwardFields, 'x-shard: 7\r\n');
  assert.deepEqual(tx.captured, ['7']);
});

test('a line without its end is not passed on', () => {
  assert.equal(dropped('a: 1\r\nx-real-ip: 1.1.1.1', ['', '1.1.1.1']).forwardFields, 'a: 1\r\n');
});

test('a Connection field cannot name a claim away', () => {
  assert.equal(isRemovable('true-client-ip'), false);
  assert.equal(isRemovable('x-real-ip'), false);
  assert.equal(isRemovable('x-shard'), true);
});

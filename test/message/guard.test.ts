import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileGuard } from '../../src/message/guard.ts';
import { type Downstream, Transaction, type TransactionOwner } from '../../src/transaction.ts';
import type { Verdict } from '../../src/verdict.ts';

const guard = compileGuard({ keepEncodedSlash: false });

/** The guard looks at the transaction alone; neither end is ever called. */
function judged(fields: Partial<Transaction>, phase = guard): { tx: Transaction; verdict: Verdict } {
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  Object.assign(tx, { method: 'GET', authority: 'api.example', rawPath: '/' }, fields);
  return { tx, verdict: phase(tx, 0) };
}

function codeOf(verdict: Verdict): string {
  return verdict.kind === 'refuse' ? verdict.code : verdict.kind;
}

describe('guard', () => {
  test('passes an honest request, with host and path normalised', () => {
    const { tx, verdict } = judged({ authority: 'API.Example:8080', rawPath: '/a/./b/../c', query: '?q=1|2"[]' });
    assert.equal(verdict.kind, 'pass');
    assert.equal(tx.host, 'api.example');
    assert.equal(tx.path, '/a/c');
    assert.equal(tx.rawPath, '/a/./b/../c');
  });

  test('the intake’s fault comes first, with its words', () => {
    const fault = { fault: 'SP_REQUEST_FRAMING', faultDetail: 'two lengths', method: 'TRACE' } as const;
    const { verdict } = judged(fault);
    assert.deepEqual(verdict, { kind: 'refuse', code: 'SP_REQUEST_FRAMING', detail: 'two lengths', fields: undefined });
  });

  test('methods: capitals and hyphens only; no tunnel, no echo', () => {
    for (const method of ['GET', 'POST', 'QUERY', 'M-SEARCH', 'VERSION-CONTROL']) {
      assert.equal(judged({ method }).verdict.kind, 'pass', method);
    }
    for (const method of ['CONNECT', 'TRACE', 'TRACK', '', 'get', 'Get', 'GE T', 'GET\r', 'G_T', 'GET1', 'É']) {
      assert.equal(codeOf(judged({ method }).verdict), 'SP_REQUEST_METHOD', JSON.stringify(method));
    }
  });

  test('a host is needed, and a sound one', () => {
    for (const authority of ['', ' ', 'a b', 'a@b', 'a:0', 'a,b', 'a/b', '[::1', 'é.example']) {
      assert.equal(codeOf(judged({ authority }).verdict), 'SP_REQUEST_HOST', JSON.stringify(authority));
    }
  });

  test('a path that two parsers read in two ways is refused, and the words say why', () => {
    for (const rawPath of ['', 'a', '*', '/a%2fb', '/a\\b', '/%', '/%zz', '/a%00', '/é', '/a b', '/\x7f']) {
      const { verdict } = judged({ rawPath });
      assert.equal(codeOf(verdict), 'SP_REQUEST_TARGET', JSON.stringify(rawPath));
      assert.ok(verdict.kind === 'refuse' && (verdict.detail ?? '').length > 10, JSON.stringify(rawPath));
    }
  });

  test('%2F stays where the configuration keeps it', () => {
    const { tx, verdict } = judged({ rawPath: '/a%2Fb' }, compileGuard({ keepEncodedSlash: true }));
    assert.equal(verdict.kind, 'pass');
    assert.equal(tx.path, '/a%2Fb');
  });

  test('every byte of a query: printable ASCII but #', () => {
    for (let code = 0; code < 300; code += 1) {
      const allowed = code > 0x20 && code < 0x7f && code !== 0x23;
      const { verdict } = judged({ query: `?a=${String.fromCharCode(code)}` });
      assert.equal(codeOf(verdict), allowed ? 'pass' : 'SP_REQUEST_TARGET', `byte ${code}`);
    }
  });

  test('a flood of refusals without words allocates no verdicts', () => {
    assert.equal(judged({ method: 'TRACE' }).verdict, judged({ method: 'TRACK' }).verdict);
  });
});

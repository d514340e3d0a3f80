import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { HttpDownstream } from '../../src/http/downstream.ts';
import type { PhaseContext } from '../../src/pipeline/context.ts';
import { PHASES } from '../../src/pipeline/phases.ts';
import type { Source } from '../../src/transaction.ts';
import { load, MINIMAL } from '../config/support.ts';
import { PipelineBench as Bench, type Line } from '../support/pipeline-bench.ts';
import { until } from '../support/wait.ts';

const named = (name: string) => {
  const row = PHASES.find((phase) => phase.name === name);
  assert.ok(row, `no phase ${name}`);
  return row;
};

test('ARCHITECTURE.md draws the phase list as it is', () => {
  const document = readFileSync(new URL('../../../ARCHITECTURE.md', import.meta.url), 'utf8');
  const rows = [...document.matchAll(/^\| (\d+) \| ([a-z-]+) \|/gm)].map(([, number, name]) => `${number} ${name}`);
  assert.deepEqual(
    rows,
    PHASES.map(({ name }, index) => `${index + 1} ${name}`),
  );
});

test('the last phase, and it alone, runs for every request', () => {
  const always = PHASES.filter((row) => row.always).map(({ name }) => name);
  assert.deepEqual(always, ['account']);
  assert.equal(PHASES.at(-1)?.name, 'account');
});

describe('what the configuration switches off is absent', () => {
  // The settings alone count here: whether the certificate files exist is the loader's business.
  const { config } = load(MINIMAL);
  const withHttps = (tls: Partial<typeof config.tls>): PhaseContext => {
    const listen = { ...config.listen, https: { ...config.listen.https, port: 8443 } };
    return { ...new Bench().context, config: { ...config, listen, tls: { ...config.tls, ...tls } } };
  };

  test('transport, without HTTPS or redirect', () => {
    assert.equal(named('transport').compile(new Bench().context), null);
    assert.equal(named('transport').compile(withHttps({ redirect: false })), null);
    assert.equal(typeof named('transport').compile(withHttps({})), 'function');
  });

  test('shedding, throttles and concurrency, unless somebody sets them', () => {
    const route = (policies: string) => `${MINIMAL}    policies: { ${policies} }\n`;
    for (const [name, text] of [
      ['shed', `${MINIMAL}shedding: { loopDelayMs: 100 }\n`],
      ['shed', `${MINIMAL}shedding: { memoryBytes: 1 }\n`],
      ['throttle', `${route('throttle: t')}throttles: { t: { requests: 1 } }\n`],
      ['concurrency', route('concurrency: { mode: fixed }')],
      ['concurrency', MINIMAL.replace('targets:', 'concurrency: { mode: adaptive }\n    targets:')],
    ] as const) {
      assert.equal(named(name).compile(new Bench().context), null, name);
      assert.equal(typeof named(name).compile(new Bench(text).context), 'function', text);
    }
    const unused = new Bench(`${MINIMAL}throttles: { t: { requests: 1 } }\n`);
    assert.equal(named('throttle').compile(unused.context), null, 'no route names it');
  });

  test('the others are there', () => {
    const { context } = new Bench();
    for (const name of ['guard', 'client', 'route', 'body', 'upstream', 'response', 'account']) {
      assert.equal(typeof named(name).compile(context), 'function', name);
    }
  });
});

describe('refusals', () => {
  test('the first phase that refuses ends the walk: one answer, one line, nothing under way', () => {
    const bench = new Bench();
    const { tx, sent } = bench.run({ method: 'TRACE', authority: '' });
    assert.equal(sent[0], '501 Not Implemented');
    assert.equal((JSON.parse(sent[1] ?? '') as Line).type, 'urn:test:request-method');
    assert.deepEqual(
      [tx.code, tx.status, tx.finished, bench.context.load.requests],
      ['SP_REQUEST_METHOD', 501, true, 0],
    );
    assert.equal(bench.accessLines.length, 1);
  });

  test('a route of its own, 404 and 405, and a body over the bound', () => {
    const bench = new Bench(`${MINIMAL}    methods: [POST]\n    paths: [/a]\n    policies: { bodyBytesMax: 5 }\n`);
    assert.equal(bench.run({ rawPath: '/b' }).sent[0], '404 Not Found');
    assert.equal(bench.run({ rawPath: '/a' }).sent[0], '405 Method Not Allowed');
    assert.equal(bench.run({ rawPath: '/a', method: 'POST', contentLength: 6 }).sent[0], '413 Content Too Large');
    assert.equal(bench.accessLines.length, 3);
  });

  test('HEAD gets the head alone', () => {
    assert.deepEqual(new Bench().run({ method: 'HEAD', authority: '' }).sent, ['400 Bad Request', '(no body)']);
  });

  test('after the end nothing is refused a second time', () => {
    const bench = new Bench();
    const { tx, sent } = bench.run({ authority: '' });
    const before = sent.length;
    bench.pipeline.refuse(tx, { kind: 'refuse', code: 'SP_INTERNAL', detail: undefined, fields: undefined });
    bench.pipeline.finish(tx);
    assert.deepEqual([sent.length, tx.code, bench.accessLines.length], [before, 'SP_REQUEST_HOST', 1]);
    assert.equal(bench.context.load.requests, 0);
  });
});

describe('requests that wait for a throttle', () => {
  const THROTTLED = `${MINIMAL}    policies: { throttle: steady }
throttles: { steady: { requests: 50, queueMax: 3, deadlineMs: 60000 } }
`;

  test('a bug behind the queue costs each its own 500; nobody who waits is forgotten', async () => {
    const broken = new Proxy([] as PhaseContext['groups'], {
      get: () => {
        throw new Error('planted');
      },
    });
    const bench = new Bench(THROTTLED, { groups: broken });
    const requests = Array.from({ length: 5 }, () => bench.run());
    assert.deepEqual(
      requests.map(({ tx }) => [tx.finished, tx.code, tx.policy]),
      [
        [true, 'SP_INTERNAL', ''],
        [false, null, ''],
        [false, null, ''],
        [false, null, ''],
        [true, 'SP_THROTTLED', 'steady'],
      ],
    );
    await until('all answers', () => requests.every(({ tx }) => tx.finished));
    const waited = requests.slice(1, 4).map(({ tx, sent }) => [sent[0], tx.code, tx.waitedMs > 0]);
    assert.deepEqual(waited, new Array(3).fill(['500 Internal Server Error', 'SP_INTERNAL', true]));
    assert.deepEqual([bench.accessLines.length, bench.errors.length, bench.context.load.requests], [5, 4, 0]);
  });

  test('a phase that throws while a request waits lets it out of the queue, once', () => {
    const bench = new Bench(THROTTLED);
    bench.run();
    const { tx, sent } = bench.run();
    assert.equal(tx.finished, false);
    bench.pipeline.failed(tx, new Error('planted'));
    assert.deepEqual([sent[0], tx.code], ['500 Internal Server Error', 'SP_INTERNAL']);
    const [next] = [bench.run(), bench.run(), bench.run()];
    assert.equal(next.tx.finished, false, 'three wait: the place is free');
    assert.equal(bench.run().tx.code, 'SP_THROTTLED');
  });

  test('pieces of a body come to whoever answers, in order, as they were', async () => {
    const bench = new Bench(THROTTLED);
    bench.run();
    const { down } = bench.request({ method: 'POST', contentLength: 6 });
    down.bodyComplete = false;
    bench.pipeline.run(down.tx, Date.now());
    const got: string[] = [];
    const heir: Source = {
      onBody: (chunk, isLast) => void got.push(`${Buffer.from(chunk)}${isLast ? '.' : ''}`),
      onDrain: () => {},
      onAbort: () => {},
    };
    const lent = Buffer.from('abc');
    // What the front calls: the source that waits is behind the downstream.
    down.replay([lent, Buffer.from('de')], false);
    lent.fill(0);
    down.tx.owner.resume = () => {
      down.attach(heir);
      return false;
    };
    await until('its turn', () => got.length > 0);
    assert.deepEqual(got, ['abc', 'de']);
    down.replay([Buffer.from('f')], true);
    assert.deepEqual(got, ['abc', 'de', 'f.']);
  });
});

describe('a phase that throws', () => {
  const broken = new Error('planted');
  const TRUSTING = `${MINIMAL}trustedProxies: [192.0.2.0/24]\n`;
  const clientAddresses = {
    trusts: () => {
      throw broken;
    },
  } as unknown as PhaseContext['clientAddresses'];

  test('costs one 500, one line in each log, and the account is settled once', () => {
    const bench = new Bench(TRUSTING, { clientAddresses });
    const { tx, sent } = bench.run();
    assert.equal(sent[0], '500 Internal Server Error');
    assert.ok(!sent.join('').includes('planted'), 'the client is told what broke');
    assert.deepEqual([tx.status, tx.code, bench.context.load.requests], [500, 'SP_INTERNAL', 0]);
    assert.equal(bench.accessLines.length, 1);
    assert.equal(bench.errors.length, 1);
    assert.match(JSON.stringify(bench.errors[0]), /planted.*phases\.test/);
  });

  test('after the answer has begun: the connection is cut, since no answer can be sent any more', () => {
    const bench = new Bench();
    const { down, sent } = bench.request();
    let aborted = 0;
    const onAbort = (): void => {
      aborted += 1;
    };
    const source: Source = { onBody: () => {}, onDrain: () => {}, onAbort };
    down.attach(source);
    down.begun = true;
    down.tx.status = 200;
    bench.pipeline.failed(down.tx, broken);
    assert.deepEqual([sent, aborted, down.tx.status, bench.context.load.requests], [['(closed)'], 1, 200, 0]);
    assert.equal(bench.accessLines.length, 1);
  });

  test('while letting go of what failed: both faults are logged, the request still ends', () => {
    const bench = new Bench();
    const { down, sent } = bench.request();
    const onAbort = (): void => {
      throw new Error('planted second');
    };
    down.attach({ onBody: () => {}, onDrain: () => {}, onAbort });
    bench.pipeline.failed(down.tx, broken);
    assert.deepEqual([sent[0], bench.errors.length, bench.context.load.requests], ['500 Internal Server Error', 2, 0]);
    assert.equal(bench.accessLines.length, 1);
  });

  test('no timer of the request is left', () => {
    const bench = new Bench(TRUSTING, { clientAddresses });
    const { tx } = bench.run();
    assert.equal((tx.downstream as HttpDownstream).tick, -1);
  });
});

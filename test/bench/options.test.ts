import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { CASE_NAMES, PEER_NAMES } from '../../bench/cases.ts';
import { parseOptions, USAGE } from '../../bench/options.ts';

describe('options', () => {
  test('as they come', () => {
    assert.deepEqual(parseOptions([]), {
      cases: ['plain', 'duties'],
      peers: null,
      crs: '/usr/share/modsecurity-crs',
      rounds: 5,
      requests: null,
      quick: false,
      openLoop: null,
      out: null,
      help: false,
    });
  });

  test('as they are said', () => {
    const options = parseOptions(['--case', 'tls,plain,tls', '--peer=nginx', '--rounds', '7', '--requests', '1000']);
    assert.deepEqual(options.cases, ['tls', 'plain']);
    assert.deepEqual(options.peers, ['nginx']);
    assert.deepEqual([options.rounds, options.requests], [7, 1_000]);
    assert.equal(parseOptions(['--crs', 'rules/of/ours']).crs, resolve('rules/of/ours'));
    assert.deepEqual(parseOptions(['--case', 'all']).cases, CASE_NAMES);
    assert.equal(parseOptions(['--quick']).rounds, 1);
    assert.equal(parseOptions(['--quick', '--rounds', '4']).rounds, 4);
  });

  test('what makes no sense is refused with what would', () => {
    const refused: readonly (readonly [args: readonly string[], words: RegExp])[] = [
      [['--case', 'plane'], /--case does not know "plane"; there are: plain, duties, access-log/],
      [['--case', 'plain,'], /does not know ""/],
      [['--peer', 'squid'], /there are: nginx, haproxy, caddy, modsecurity, fastify, sallyport$/],
      [['--rounds', '0'], /--rounds takes a whole number from 1 to 100, not "0"/],
      [['--rounds', '1e1'], /not "1e1"/],
      [['--requests', '-5'], /requests/],
      [['--fast'], /--fast/],
      [['plain'], /plain/],
    ];
    for (const [args, words] of refused) assert.throws(() => parseOptions(args), words, args.join(' '));
  });

  test('the help names every case and proxy', () => {
    for (const name of [...CASE_NAMES, ...PEER_NAMES]) assert.ok(USAGE.includes(name), name);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { banner } from '../../src/cli/banner.ts';

test('with the demo API: addresses, three lines to try, the way to an own service', () => {
  const text = banner({
    version: '1.2.3',
    addresses: { http: '0.0.0.0:8080', admin: '127.0.0.1:9090' },
    isDemo: true,
  });
  assert.match(text, /Sallyport 1\.2\.3 is ready, with its demo API behind it\./);
  assert.match(text, / http {3}http:\/\/localhost:8080\n/);
  assert.match(text, / admin {2}http:\/\/127\.0\.0\.1:9090\n/);
  assert.equal(text.match(/^ {2}curl /gm)?.length, 4);
  assert.match(text, /SALLYPORT_UPSTREAM=http:\/\/127\.0\.0\.1:3000 npm start/);
});

test('with a real configuration: nothing of the demo API', () => {
  const text = banner({
    version: '1.2.3',
    addresses: { http: '0.0.0.0:80', https: '[::]:443', admin: '127.0.0.1:9090' },
    isDemo: false,
  });
  assert.match(text, /curl -i -k https:\/\/localhost:443\/\n/);
  assert.equal(text.match(/^ {2}curl /gm)?.length, 3);
  assert.doesNotMatch(text, /demo|SALLYPORT_UPSTREAM/);
});

test('addresses may be whole URLs, and may be absent', () => {
  assert.match(
    banner({ version: '1', addresses: { http: 'http://10.0.0.1:81/' }, isDemo: false }),
    / http:\/\/10\.0\.0\.1:81\n/,
  );
  assert.doesNotMatch(banner({ version: '1', addresses: {}, isDemo: true }), /curl/);
});

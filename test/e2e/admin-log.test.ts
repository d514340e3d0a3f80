import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simpleConfig, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/raw-client.ts';

test('a refused request to the admin listener leaves a line in the log', async () => {
  const gateway = await startGateway({ config: { threads: 1, ...simpleConfig([9]) } });
  try {
    const segments = [Buffer.from('GET /status HTTP/1.1\r\nHost: rebound.example\r\n\r\n')];
    const { answers } = await exchange({ port: gateway.admin, segments, timeoutMs: 5_000 });
    assert.equal(answers[0]?.status, 421);
    const line = await gateway.line('the refusal', ({ msg }) => msg === 'admin request refused');
    assert.equal(line.status, 421);
    assert.equal(line.path, '/status');
  } finally {
    await gateway.stop();
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessagePort } from 'node:worker_threads';
import { InspectThreads } from '../../src/gateway/inspect-threads.ts';
import type { InspectRules } from '../../src/pipeline/inspect-wire.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createCollectionWords } from '../../src/waf/collections/layout.ts';
import { PROFILE } from '../support/rule-sets.ts';
import { until } from '../support/wait.ts';

function rulesOf(number: number, text: string): InspectRules {
  const recorded = { texts: new Map([['/rules.conf', text]]), expansions: new Map() };
  const entries = { setup: [], rules: ['/rules.conf'] };
  return {
    number,
    rules: { entries, recorded, digest: text, profiles: [JSON.stringify(PROFILE)], ids: new Map(), tables: null },
    patches: null,
    reading: { argumentsMax: 10, gate: true, jsonDepthMax: 10, responseTypes: [], audit: { parts: 'AZ' } },
  };
}

const SOUND = 'SecAction "id:1,phase:2,pass,nolog"\n';

async function withThreads(
  run: (stage: { threads: InspectThreads; ports: MessagePort[]; lines: string[]; lost: () => number }) => Promise<void>,
): Promise<void> {
  const ports: MessagePort[] = [];
  const lines: string[] = [];
  let lost = 0;
  const log = createLog({ level: 'info', redact: [], base: {}, sink: (line) => void lines.push(line) });
  const threads = new InspectThreads({
    count: 2,
    entry: new URL('../../workers/inspect.js', import.meta.url),
    collectionWords: createCollectionWords(16, 65_536),
    limiterWords: new Int32Array(new SharedArrayBuffer(64)),
    log: () => log,
    onLost: () => {
      lost += 1;
    },
    giveEach: (newPort) => void ports.push(newPort()),
  });
  try {
    await run({ threads, ports, lines, lost: () => lost });
  } finally {
    for (const port of ports) port.close();
    await threads.stop();
  }
}

test('without rules there are no threads, and no ports', async () => {
  await withThreads(async ({ threads, ports }) => {
    await threads.use(null);
    threads.connect(() => assert.fail('there is none'));
    assert.equal(ports.length, 0);
  });
});

test('each gives ingress threads a port once it has rules, and those that begin later', async () => {
  await withThreads(async ({ threads, ports, lost }) => {
    await threads.use(rulesOf(1, SOUND));
    assert.equal(ports.length, 2);
    await threads.use(rulesOf(2, `${SOUND}# other\n`));
    assert.equal(ports.length, 2);
    threads.connect((port) => void ports.push(port));
    assert.deepEqual([ports.length, lost()], [4, 0]);
  });
});

test('a start fails where none of them can compile the rules', async () => {
  await withThreads(async ({ threads }) => {
    await assert.rejects(threads.use(rulesOf(1, 'SecNothing\n')), { code: 'SP_THREAD', message: /all have ended/ });
  });
});

test('a reload does not fail because they died: they come again with its rules', async () => {
  await withThreads(async ({ threads, ports, lines, lost }) => {
    await threads.use(rulesOf(1, SOUND));
    // Not what any thread can compile, which the main thread never sends.
    await threads.use(rulesOf(2, 'SecNothing\n'));
    assert.equal(lost(), 2);
    assert.equal(lines.filter((line) => line.includes('inspect threads are behind')).length, 1);
    await threads.use(rulesOf(3, SOUND));
    await until('their replacements', () => ports.length === 4);
  });
});

// The load generator, in a process of its own: its CPU time is nobody else's, and its event loop measures nothing else.
import { runClosed } from './load/closed-loop.ts';
import { holdConnections, releaseConnections } from './load/idle-connections.ts';
import { runPaced } from './load/paced.ts';
import type { LoadOrder, LoadReply } from './load-wire.ts';

type Result = Extract<LoadReply, { readonly ok: true }>['result'];

process.on('message', (order: LoadOrder) => {
  obey(order).then(
    (result) => reply({ ok: true, result }),
    (error: unknown) => reply({ ok: false, words: error instanceof Error ? error.message : String(error) }),
  );
});
// Whoever started this is gone.
process.on('disconnect', () => process.exit(0));

function reply(message: LoadReply): void {
  process.send?.(message);
}

async function obey(order: LoadOrder): Promise<Result> {
  switch (order.kind) {
    case 'closed':
      return runClosed(order.job);
    case 'paced':
      return runPaced(order.job);
    case 'hold':
      return holdConnections(order.job);
    case 'release':
      return releaseConnections();
  }
}

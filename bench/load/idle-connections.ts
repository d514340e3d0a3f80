import type { HoldJob, HoldResult } from '../load-wire.ts';
import { requestsOf } from '../requests.ts';
import { RawConnection, wireOf } from './raw-connection.ts';

/** Connections opened at once: fewer than any server's backlog. */
const ABREAST = 100;
const OPEN_MS = 30_000;

let held: RawConnection[] = [];

/** Opens connections that ask once, and then say nothing. @throws Error when they cannot be opened within 30 s. */
export async function holdConnections({ port, connections, ...demand }: HoldJob): Promise<HoldResult> {
  const [request] = requestsOf(demand);
  if (request === undefined) throw new Error('there is nothing to ask');
  const wire = wireOf(request, port);
  const deadline = performance.now() + OPEN_MS;
  let started = 0;
  const openSome = async (): Promise<void> => {
    while (started < connections) {
      started += 1;
      held.push(await openOne(port, wire));
      if (performance.now() > deadline)
        throw new Error(`only ${held.length} of ${connections} idle connections opened`);
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, openSome));
  return { open: held.filter(({ isOpen }) => isOpen).length };
}

/** @returns  How many were open until now. */
export function releaseConnections(): HoldResult {
  const open = held.filter(({ isOpen }) => isOpen).length;
  for (const connection of held) if (connection.isOpen) connection.destroy();
  held = [];
  return { open };
}

function openOne(port: number, wire: Buffer): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const connection = new RawConnection(
      port,
      (status) =>
        status === 200 ? resolve(connection) : reject(new Error(`an idle connection was answered with ${status}`)),
      () => reject(new Error('an idle connection was closed before it had an answer')),
    );
    connection.send(wire);
  });
}

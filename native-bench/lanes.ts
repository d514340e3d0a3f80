/**
 * Sends requests in lanes, each of which asks again as soon as it has its answer.
 *
 * @param ask  Sends the request of a number, and calls `done` once, with the bytes of the answer's body.
 * @returns    Bytes of all bodies.
 */
export function inLanes(
  requests: number,
  lanes: number,
  ask: (n: number, done: (bytes: number) => void, failed: (error: Error) => void) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let [sent, answered, sum] = [0, 0, 0];
    const done = (bytes: number): void => {
      sum += bytes;
      answered += 1;
      if (answered === requests) resolve(sum);
      else next();
    };
    const next = (): void => {
      if (sent === requests) return;
      sent += 1;
      ask(sent - 1, done, reject);
    };
    for (let lane = 0; lane < lanes; lane += 1) next();
  });
}

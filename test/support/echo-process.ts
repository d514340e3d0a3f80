import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface EchoProcess {
  readonly port: number;
  readonly pid: number;
  /** SIGKILL, and wait until it is gone: the kernel resets its connections. */
  kill(): Promise<void>;
}

/** An upstream in a process of its own, so that it can die as upstreams do. Echoes method and target; names itself. */
export async function startEchoProcess(name: string, port = 0): Promise<EchoProcess> {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(import.meta.url), String(port), name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const killChild = () => child.kill('SIGKILL');
  process.once('exit', killChild);
  child.once('exit', () => process.removeListener('exit', killChild));
  const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return {
    port: Number(chunk.toString().trim()),
    pid: child.pid ?? 0,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      killChild();
      await gone;
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , port = '0', name = ''] = process.argv;
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('X-Upstream', name);
    response.end(JSON.stringify({ name, method: request.method, target: request.url }));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(port), '127.0.0.1', () => {
    const address = server.address();
    console.log(typeof address === 'object' ? address?.port : port);
  });
}

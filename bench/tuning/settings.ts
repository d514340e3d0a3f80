import type { CaseName } from '../cases.ts';
import type { Change } from '../peers/variant.ts';

/** A setting that is measured: the gateway with it beside the gateway without. */
export interface Setting {
  readonly name: string;
  /** As an operator writes it. */
  readonly how: string;
  readonly caseName: CaseName;
  /** What both sides have otherwise than the benchmark's own gateway. */
  readonly base: Change;
  /** What this setting adds. */
  readonly change: Change;
  readonly when: string;
}

const upstreams = (url: string, connectionsMax: number) => ({
  upstreams: { main: { targets: [{ url }], keepAlive: { connectionsMax } } },
});
/** In the place of the upstream's port, which is known when rounds begin. */
export const UPSTREAM_URL = 'UPSTREAM_URL';

export const SETTINGS: readonly Setting[] = [
  {
    name: 'access-log',
    how: '`SALLYPORT_LOG_ACCESS=true`, the default',
    caseName: 'plain',
    base: {},
    change: { env: { SALLYPORT_LOG_ACCESS: 'true' } },
    when: 'off where something before the gateway logs every request',
  },
  {
    name: 'pretty-log',
    how: '`SALLYPORT_LOG_FORMAT=pretty`',
    caseName: 'duties',
    base: {},
    change: { env: { SALLYPORT_LOG_FORMAT: 'pretty' } },
    when: 'in a terminal only; JSON under load',
  },
  {
    name: 'baseline',
    how: '`SALLYPORT_WAF_BASELINE=on`, as `auto` is where no rules are given',
    caseName: 'plain',
    base: {},
    change: { env: { SALLYPORT_WAF_BASELINE: 'on' } },
    when: 'off only where another firewall inspects the same requests',
  },
  {
    name: 'gate-off',
    how: '`SALLYPORT_WAF_GATE=false`',
    caseName: 'plain',
    base: { env: { SALLYPORT_WAF_BASELINE: 'on' } },
    change: { env: { SALLYPORT_WAF_GATE: 'false' } },
    when: 'never for speed; to check that the gate changes no verdict',
  },
  {
    name: 'offload',
    how: '`SALLYPORT_OFFLOAD_BYTES=1024` against 65536, JSON of 10 kB',
    caseName: 'crs-json-10k',
    base: { env: { SALLYPORT_WAF_BASELINE: 'on' } },
    change: { env: { SALLYPORT_OFFLOAD_BYTES: '1024' } },
    when: 'lower where long bodies make short requests wait and cores are free',
  },
  {
    name: 'threads-2',
    how: '`SALLYPORT_THREADS=2` against 1',
    caseName: 'plain',
    base: {},
    change: { env: { SALLYPORT_THREADS: '2' } },
    when: '0, one per core; fewer where other programs need the cores',
  },
  {
    name: 'no-keep-alive',
    how: '`upstreams.NAME.keepAlive.connectionsMax: 1` against 64',
    caseName: 'plain',
    base: {},
    change: { config: upstreams(UPSTREAM_URL, 1) },
    when: 'as many as requests are under way at once, per thread and target',
  },
  {
    name: 'semi-space',
    how: '`node --max-semi-space-size=64`',
    caseName: 'plain',
    base: {},
    change: { flags: ['--max-semi-space-size=64'] },
    when: 'leave it: threads have their own bound (src/gateway/threads.ts)',
  },
];

import type { Peer } from './peer.ts';
import { sallyport } from './sallyport.ts';

/** What a variant of the gateway has otherwise than the benchmark's own. */
export interface Change {
  /** Top-level keys of the configuration, each in the place of what is there. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of node. */
  readonly flags?: readonly string[];
}

/** The gateway under another name, changed: takes part in rounds beside the unchanged one. */
export function variantOf(name: string, { config = {}, env = {}, flags = [] }: Change): Peer {
  return {
    ...sallyport,
    name,
    launch: (setup) => {
      const launch = sallyport.launch(setup);
      const own = JSON.parse(launch.files['gateway.yaml'] ?? '{}') as Record<string, unknown>;
      return {
        ...launch,
        args: [...flags, ...launch.args],
        env: { ...launch.env, ...env },
        files: { 'gateway.yaml': `${JSON.stringify({ ...own, ...config }, null, 2)}\n` },
      };
    },
  };
}

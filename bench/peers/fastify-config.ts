/** In the folder of the process. */
export const FASTIFY_CONFIG = 'fastify.json';

export interface FastifyConfig {
  readonly port: number;
  readonly upstream: string;
  /** Most connections to it. */
  readonly connections: number;
  readonly bodyBytesMax: number;
  /** By client address; null for none. */
  readonly limit: { readonly requests: number; readonly seconds: number } | null;
  /** Null where nobody is asked. */
  readonly tokens: { readonly publicKeyFile: string; readonly issuer: string; readonly audience: string } | null;
}

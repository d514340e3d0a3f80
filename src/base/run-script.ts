/** Runs a Lua script on Redis. @returns  What it answers. Rejects when there is none in time, or an error. */
export type RunScript = (text: string, keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

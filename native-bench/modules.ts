/** Modules that `npm run native-bench` runs, in the order of the results; each exports its rows. */
export const MODULES = ['rx', 'jwt', 'json', 'limiter', 'threads', 'upstream', 'front'] as const;
export type ModuleName = (typeof MODULES)[number];

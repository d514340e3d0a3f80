/** Modules of this folder that measure, in the order of the results. */
export const MODULES = [
  'rx',
  'jwt',
  'json',
  'limiter',
  'threads',
  'upstream',
  'front',
  'access-log',
  'address-set',
  'api-keys',
  'balance',
  'callers',
  'metrics',
  'response-head',
  'router',
  'sqli',
  'throttle',
  'xss',
] as const;
export type ModuleName = (typeof MODULES)[number];

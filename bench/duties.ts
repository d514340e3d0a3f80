/** What a proxy may have to do beside forwarding. */
export const DUTIES = [
  'forwarded',
  'access-log',
  'limiter',
  'jwt',
  'api-key',
  'baseline',
  'rules',
  'metrics',
  'routes',
] as const;
export type Duty = (typeof DUTIES)[number];

/**
 * | duty | each proxy |
 * |---|---|
 * | forwarded | makes a request id, and sends it and X-Forwarded-For, -Host, -Proto upstream |
 * | access-log | writes a JSON line per request to a file: client, method, path, status, times, bytes, user agent |
 * | limiter | counts requests by the client's address, and answers 429 past a limit |
 * | jwt | verifies an ES256 token, its issuer, audience and expiry, and answers 401 without a good one |
 * | api-key | answers 401 without a known key |
 * | baseline | Sallyport's own rules |
 * | rules | a Core Rule Set at paranoia level 1; 403 for attacks |
 * | metrics | counts requests by route and class of status, to be read over HTTP |
 * | routes | finds the way by the path among many, and answers 404 where none leads |
 */
export type Duties = readonly Duty[];

/** Of one route each: any other path gets 404 where there is the duty `routes`. */
export function routePath(index: number): string {
  return `/services/${ROUTE_WORDS[index % ROUTE_WORDS.length]}-${index}/v1`;
}

const ROUTE_WORDS = ['orders', 'items', 'users', 'stock', 'prices', 'search', 'carts'];

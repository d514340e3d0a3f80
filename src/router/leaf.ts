import { SallyportError } from '../errors.ts';
import type { Route } from '../transaction.ts';

/** What `find` gives for a path that has routes, but none for the method. */
export interface MethodMiss {
  readonly kind: 'method';
  /** Value of an `Allow` field (RFC 9110 10.2.1). */
  readonly allow: string;
}

/** The routes of one path pattern. Few methods: a walk over an array beats a hash. */
export interface Leaf {
  readonly methods: readonly string[];
  /** Routes at the positions of `methods`. */
  readonly routes: readonly Route[];
  /** Route without methods: takes what no other names, but CONNECT and TRACE. */
  readonly any: Route | null;
  readonly miss: MethodMiss;
}

/**
 * @param routes  All routes of one host and path.
 * @param path    The path, for errors.
 * @param host    The host, for errors.
 * @throws  SallyportError SP_CONFIG when two of them take one method.
 */
export function leafOf(routes: readonly Route[], path: string, host: string): Leaf {
  const named = new Map<string, Route>();
  let any: Route | null = null;
  const conflict = (a: Route, b: Route, method: string) => {
    const message = `routes ${a.name} and ${b.name} both take ${method} ${path} on ${host}; change or remove one`;
    return new SallyportError('SP_CONFIG', message, { routes: [a.name, b.name], path, host, method });
  };
  for (const route of routes) {
    if (route.config.methods.length === 0) {
      if (any !== null) throw conflict(any, route, 'every method of');
      any = route;
    }
    for (const method of new Set(route.config.methods)) {
      const other = named.get(method);
      if (other !== undefined) throw conflict(other, route, method);
      named.set(method, route);
    }
  }
  // A HEAD that is named itself goes before the one that comes with GET.
  const get = named.get('GET');
  if (get !== undefined && !named.has('HEAD')) named.set('HEAD', get);
  const methods = [...named.keys()];
  const allow = [...new Set(any === null ? methods : [...methods, ...USUAL_METHODS])].sort().join(', ');
  return Object.freeze({
    methods: Object.freeze(methods),
    routes: Object.freeze([...named.values()]),
    any,
    miss: Object.freeze({ kind: 'method', allow }),
  });
}

/** Methods that a route without methods accepts; an extension method is accepted too, but not announced. */
const USUAL_METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

import type { Config } from '../config/schema.ts';
import type { OwnPaths } from '../router/routing.ts';
import type { Route } from '../transaction.ts';

/**
 * Callback and logout paths of logins, on all hosts of the routes that name them. Lists and limits of the first such
 * route hold there.
 */
export function loginPaths(config: Config, routes: readonly Route[]): readonly OwnPaths[] {
  return Object.entries(config.logins).flatMap(([name, { callbackPath, logoutPath }]) => {
    const users = routes.filter((route) => route.config.policies.auth.login === name);
    const [first] = users;
    if (first === undefined) return [];
    const everywhere = users.some((route) => route.config.hosts.length === 0);
    const hosts = [...new Set(users.flatMap((route) => route.config.hosts))];
    const paths = [callbackPath, logoutPath];
    // One for every host does not do for the named ones: a host that another login names has routes of its own.
    return [
      ...(everywhere ? [{ route: first, hosts: [], paths }] : []),
      ...(hosts.length > 0 ? [{ route: first, hosts, paths }] : []),
    ];
  });
}

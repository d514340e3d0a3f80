import type { ByteText } from '../base/byte-text.ts';
import type { Config, RouteConfig } from '../config/schema.ts';
import { hostName } from '../message/host.ts';
import { normalisePath } from '../message/path.ts';
import { fieldOf } from '../pipeline/answer-fields.ts';
import { canaryHash, canaryShare } from '../pipeline/canary-share.ts';
import { compileRoutes } from '../pipeline/routes.ts';
import { compileRouter } from '../router/router.ts';
import type { RequestFacts } from '../waf/inspection.ts';
import { RequestTarget } from '../waf/request-target.ts';
import type { AskedRequest } from './asked-request.ts';

/** Finds the route that takes a request. @returns  Null where none does. */
export function compileRouteOf(config: Config): (request: AskedRequest) => RouteConfig | null {
  const router = compileRouter(compileRoutes(config, {}));
  return (request) => {
    const path = pathOf(config, request);
    if (path === '') return null;
    const found = router.find(hostName(fieldOf(request.fields, 'host')), path, request.method);
    return found.kind === 'route' ? found.config : null;
  };
}

/** What rules get to know of a request before its body, as the gateway tells them. @param client  Address. */
export function factsOfAsked(config: Config, request: AskedRequest, client: string, uniqueId: string): RequestFacts {
  return {
    uniqueId,
    clientAddress: client,
    clientPort: 0,
    serverAddress: config.listen.host,
    serverPort: config.listen.http.port,
    method: request.method,
    // As the HTTP front gives them.
    target: request.target.replace(/^([^?]*)\?$/, '$1'),
    path: pathOf(config, request) || undefined,
    protocol: 'HTTP/1.1',
    fields: request.fields.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text)),
    startedAtMs: Date.now(),
    share: canaryShare(canaryHash(config.waf.canarySeed), client),
  };
}

/** REQUEST_FILENAME, as rules see it. */
export function fileNameOf(config: Config, request: AskedRequest): ByteText {
  return new RequestTarget(request.target, pathOf(config, request) || undefined).filename;
}

/** As the guard normalises it; '' where it refuses. */
function pathOf({ paths }: Config, { target }: AskedRequest): string {
  return normalisePath(target.split('?', 1)[0] ?? '', paths.encodedSlash === 'keep');
}

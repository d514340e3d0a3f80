import type { IntrospectionConfig } from '../config/schema-identity.ts';
import { Introspection, type IntrospectionParts } from './introspection.ts';
import { IntrospectionClient } from './introspection-client.ts';

interface Server {
  readonly client: IntrospectionClient;
  readonly judge: Introspection;
}

/**
 * The introspection servers of one thread over the generations of the configuration: what did not change keeps its
 * answers and connections.
 *
 * Threads: one instance each.
 */
export class Introspectors {
  readonly #parts: Omit<IntrospectionParts, 'client'>;
  #servers = new Map<string, Server>();
  #byName = new Map<string, Introspection>();
  /** Of former configurations, whose requests may still ask. */
  readonly #retired = new Set<IntrospectionClient>();

  constructor(parts: Omit<IntrospectionParts, 'client'>) {
    this.#parts = parts;
  }

  /** @param authorities  PEM certificates by the server's name; none for the system's. */
  use(
    config: Readonly<Record<string, IntrospectionConfig>>,
    authorities: Readonly<Record<string, readonly string[]>>,
  ): void {
    const servers = new Map<string, Server>();
    const byName = new Map<string, Introspection>();
    for (const [name, settings] of Object.entries(config)) {
      const trusted = authorities[name] ?? [];
      const key = JSON.stringify([name, settings, trusted]);
      const server = this.#servers.get(key) ?? this.#make({ name, ...settings }, trusted);
      servers.set(key, server);
      byName.set(name, server.judge);
    }
    for (const client of this.#retired) if (client.underWay === 0) this.#retired.delete(client);
    for (const [key, { client }] of this.#servers) {
      if (servers.has(key)) continue;
      client.retire();
      this.#retired.add(client);
    }
    this.#servers = servers;
    this.#byName = byName;
  }

  /** Of the configuration last used. */
  find(name: string): Introspection | null {
    return this.#byName.get(name) ?? null;
  }

  /** How many answers are kept of active tokens, and of others. */
  get kept(): { readonly active: number; readonly others: number } {
    let active = 0;
    let others = 0;
    for (const { judge } of this.#servers.values()) {
      active += judge.active.count;
      others += judge.others.count;
    }
    return { active, others };
  }

  /** Ends every connection, those of former configurations too. */
  close(): void {
    for (const { client } of this.#servers.values()) client.close();
    for (const client of this.#retired) client.close();
  }

  #make(settings: IntrospectionConfig & { readonly name: string }, authorities: readonly string[]): Server {
    const client = new IntrospectionClient(settings, authorities);
    return { client, judge: new Introspection(settings, { ...this.#parts, client }) };
  }
}

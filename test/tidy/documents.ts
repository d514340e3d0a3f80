import type { ErrorRow } from '../../src/errors.ts';

export interface DocumentedError {
  readonly code: string;
  readonly status: number;
  readonly side: string;
  readonly meaning: string;
  readonly remedy: string;
}

/** Sections of docs/errors.md: `## CODE`, then `STATUS, SIDE`, `Meaning: ...` and `What to do: ...`. */
export function documentedErrors(text: string): DocumentedError[] {
  return text
    .split(/^## (?=SP_)/m)
    .slice(1)
    .map((section) => {
      const [status = '', side = ''] = /^(\d+|no answer), (\w+)$/m.exec(section)?.slice(1) ?? [];
      return {
        code: section.split('\n', 1)[0] ?? '',
        status: status === 'no answer' ? 0 : Number(status || Number.NaN),
        side,
        meaning: /^Meaning: (.+)$/m.exec(section)?.[1] ?? '',
        remedy: /^What to do: (.+)$/m.exec(section)?.[1] ?? '',
      };
    });
}

/** What a document and the table say differently, a sentence each. */
export function differences(
  documented: readonly DocumentedError[],
  table: Readonly<Record<string, Pick<ErrorRow, 'status' | 'side'>>>,
): string[] {
  const seen = new Set<string>();
  const wrong = documented.flatMap(({ code, status, side, meaning, remedy }) => {
    if (seen.has(code)) return [`${code} has two sections`];
    seen.add(code);
    const row = table[code];
    if (row === undefined) return [`${code} is not in the table`];
    return [
      ...(row.status === status ? [] : [`${code}: status ${status}, the table says ${row.status}`]),
      ...(row.side === side ? [] : [`${code}: side ${side}, the table says ${row.side}`]),
      ...(meaning === '' ? [`${code}: no meaning`] : []),
      ...(remedy === '' ? [`${code}: nothing to do`] : []),
    ];
  });
  const missing = Object.keys(table).filter((code) => !seen.has(code));
  return [...wrong, ...missing.map((code) => `${code} has no section`)];
}

/** The parts of package.json that matter here. */
export type Manifest = Readonly<Record<string, unknown>>;

/** Dependencies whose version is not exactly one. */
export function unpinned(manifest: Manifest): string[] {
  return dependencies(manifest)
    .filter(([, version]) => !/^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version))
    .map(([name, version]) => `${name}: ${version}`);
}

/** Dependencies that a document does not name in backticks. */
export function unlisted(manifest: Manifest, document: string): string[] {
  return dependencies(manifest)
    .map(([name]) => name)
    .filter((name) => !document.includes(`\`${name}\``));
}

/**
 * Optional dependencies that a lock file leaves out: `npm ci` refuses such a file, and a lock file written where a
 * registry does not have the builds for other platforms is one.
 */
export function unlocked(lock: { readonly packages: Readonly<Record<string, Manifest>> }): string[] {
  return Object.entries(lock.packages).flatMap(([path, row]) =>
    Object.keys((row.optionalDependencies ?? {}) as Record<string, string>)
      .filter((name) => !Object.hasOwn(lock.packages, `node_modules/${name}`))
      .filter((name) => !Object.hasOwn(lock.packages, `${path}/node_modules/${name}`))
      .map((name) => `${path}: ${name}`),
  );
}

function dependencies(manifest: Manifest): [name: string, version: string][] {
  const kinds = ['dependencies', 'optionalDependencies', 'devDependencies', 'peerDependencies'];
  return kinds.flatMap((kind) => Object.entries((manifest[kind] ?? {}) as Record<string, string>));
}

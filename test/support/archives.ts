import { gzipSync } from 'node:zlib';
import { Header, type types } from 'tar';

export interface ArchiveEntry {
  readonly path: string;
  readonly body?: string | Buffer;
  /** A file where it is absent. */
  readonly type?: types.EntryTypeName;
  readonly linkpath?: string;
}

const BLOCK = 512;

/** A .tar.gz of entries, whatever they say: hostile ones too. */
export function tarGz(entries: readonly ArchiveEntry[]): Buffer {
  return gzipSync(tarOf(entries));
}

export function tarOf(entries: readonly ArchiveEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, body = '', type = 'File', linkpath }) => {
    const bytes = Buffer.from(body);
    const head = Buffer.alloc(BLOCK);
    const header = new Header({
      path,
      type,
      size: bytes.length,
      mode: 0o644,
      ...(linkpath === undefined ? {} : { linkpath }),
    });
    header.encode(head, 0);
    return [head, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** A rule set of our own in the form of a release: a folder at the top, set-up, rules with data, a plugin, tests. */
export function ruleSetEntries(version: string, rule = '@contains attack'): readonly ArchiveEntry[] {
  const top = `coreruleset-${version}`;
  return [
    { path: `${top}/`, type: 'Directory' },
    { path: `${top}/LICENSE`, body: 'of our own' },
    { path: `${top}/.hidden`, body: 'nobody reads it' },
    { path: `${top}/crs-setup.conf.example`, body: 'SecAction "id:900001,phase:1,pass,nolog,setvar:tx.level=1"\n' },
    {
      path: `${top}/rules/REQUEST-942.conf`,
      body: `SecRule ARGS "${rule}" "id:942001,phase:2,deny,status:403,ver:'OWASP_CRS/${version}'"
SecRule ARGS "@pmFromFile words.data" "id:942002,phase:2,deny"\n`,
    },
    { path: `${top}/rules/words.data`, body: 'evil\n' },
    { path: `${top}/rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf.example`, body: '# yours\n' },
    { path: `${top}/plugins/empty-config.conf`, body: '# empty\n' },
    { path: `${top}/tests/regression/942.yaml`, body: 'tests: []\n' },
  ];
}

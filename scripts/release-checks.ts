/** What a release needs that costs no time to look at. */
export interface ReleaseFacts {
  readonly version: string;
  /** Text of CHANGELOG.md. */
  readonly changelog: string;
  /** `git status --porcelain` */
  readonly status: string;
  /** `git tag --list` */
  readonly tags: readonly string[];
}

/** @returns  A sentence for each thing that stands against the release. */
export function obstaclesTo({ version, changelog, status, tags }: ReleaseFacts): readonly string[] {
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) return [`${version} is no version: MAJOR.MINOR.PATCH`];
  const lines = changelog.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`## [${version}]`));
  const end = lines.findIndex((line, index) => index > start && line.startsWith('## '));
  const section = start === -1 ? [] : lines.slice(start + 1, end === -1 ? undefined : end);
  return [
    ...(status.trim() === '' ? [] : ['the tree is not clean: commit or put away what git status shows']),
    ...(tags.includes(`v${version}`) ? [`v${version} is tagged already: raise the version`] : []),
    ...(start === -1 ? [`CHANGELOG.md has no section [${version}]: name what is under Unreleased so`] : []),
    ...(start === -1 || / - \d{4}-\d\d-\d\d$/.test(lines[start] ?? '')
      ? []
      : [`CHANGELOG.md gives [${version}] no date: ## [${version}] - YYYY-MM-DD`]),
    ...(start === -1 || section.some((line) => line.startsWith('- '))
      ? []
      : [`CHANGELOG.md says nothing under [${version}]`]),
  ];
}

import { readdirSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { whyUnreadable } from './files.ts';
import type { Report } from './report.ts';
import type { Config, RouteWafConfig, WafConfig } from './schema.ts';
import { SCHEMA } from './schema-tree.ts';
import { schemaAt } from './schema-walk.ts';
import { hasRules } from './waf-sources.ts';
import type { KeyPath } from './words.ts';

const ROOT: KeyPath = ['waf'];
const CRS: KeyPath = [...ROOT, 'crs'];
const WHERE_FROM = 'name the unpacked release of https://github.com/coreruleset/coreruleset';

/** The web application firewall: what the schema alone cannot tell. What rules say is read later. Never throws. */
export function checkWaf(config: Config, report: Report): void {
  const { waf, routes } = config;
  if (!hasRules(waf)) {
    checkUnused(config, report);
    return;
  }
  if (waf.crs !== '') checkCrs(waf.crs, report);
  for (const [index, rules] of waf.rules.entries()) checkRules(rules, [...ROOT, 'rules', index], report);
  checkPatches(waf, report);
  checkLevels(waf, ROOT, report);
  checkAudit(waf, report);
  for (const [index, { policies }] of routes.entries()) {
    checkRoute(policies.waf, ['routes', index, 'policies', 'waf'], report);
  }
}

/** Does a name stand for any number of files? */
export function isGlob(path: string): boolean {
  return /[*?[]/.test(path);
}

/** Whoever asks for protection must not run without it. */
function checkUnused({ waf, routes }: Config, report: Report): void {
  const remedy = 'take out baseline: off, name the Core Rule Set in waf.crs, or rules in waf.rules';
  for (const key of Object.keys(waf)) {
    const path = [...ROOT, key];
    const isDefault = isDeepStrictEqual(Reflect.get(waf, key), defaultOf(path));
    if (isDefault || key === 'audit' || key === 'baseline') continue;
    report.problem(path, `${key} has no effect: there are no rules`, remedy, [CRS]);
  }
  if (waf.audit.path !== '') {
    report.problem([...ROOT, 'audit', 'path'], 'path has no effect: there are no rules', remedy, [CRS]);
  }
  for (const [index, { policies }] of routes.entries()) {
    const path: KeyPath = ['routes', index, 'policies', 'waf'];
    const { mode, without, detect, canary } = policies.waf;
    if (mode !== 'off' && mode !== waf.mode) {
      report.problem([...path, 'mode'], `${report.show([...path, 'mode'], mode)}: there are no rules`, remedy, [CRS]);
    }
    if (without.ids.length + without.tags.length + without.targets.length > 0) {
      report.problem([...path, 'without'], 'leaves out what is not there: there are no rules', remedy, [CRS]);
    }
    if (detect.ids.length + detect.tags.length > 0) {
      report.problem([...path, 'detect'], 'names what is not there: there are no rules', remedy, [CRS]);
    }
    if (canary.length > 0) {
      report.problem([...path, 'canary'], 'names what is not there: there are no rules', remedy, [CRS]);
    }
  }
}

function defaultOf(path: KeyPath): unknown {
  return schemaAt(SCHEMA, path)?.default;
}

function checkCrs(folder: string, report: Report): void {
  if (!report.sound(CRS)) return;
  const shown = report.show(CRS, folder);
  const names = namesIn(folder);
  if (names === null) {
    report.fault(CRS, `${shown} is not a folder that can be read`, WHERE_FROM);
    return;
  }
  if (namesIn(`${folder}/rules`)?.some((name) => name.endsWith('.conf')) !== true) {
    const isInner = folder.endsWith('/rules') && names.some((name) => name.endsWith('.conf'));
    const remedy = isInner ? 'name the folder above it' : WHERE_FROM;
    report.fault(CRS, `the folder ${shown} has no rules/*.conf`, remedy);
    return;
  }
  if (names.includes('crs-setup.conf') || names.includes('crs-setup.conf.example')) return;
  report.fault(CRS, `the folder ${shown} has neither crs-setup.conf nor crs-setup.conf.example`, WHERE_FROM);
}

function checkPatches({ patches }: WafConfig, report: Report): void {
  const path: KeyPath = [...ROOT, 'patches'];
  if (patches === '' || !report.sound(path) || namesIn(patches) !== null) return;
  const found = `${report.show(path, patches)} is not a folder that can be read`;
  report.fault(path, found, 'make it, empty for a start, or take the line out');
}

function checkRules(file: string, path: KeyPath, report: Report): void {
  if (!report.sound(path) || isGlob(file)) return;
  const fault = whyUnreadable(file);
  if (fault !== undefined) report.problem(path, `the file ${report.show(path, file)} ${fault.found}`, fault.remedy);
}

function checkLevels(waf: WafConfig | RouteWafConfig, path: KeyPath, report: Report): void {
  const { paranoia = 0, detectionParanoia = 0 } = waf;
  if (paranoia === 0 || detectionParanoia === 0 || detectionParanoia >= paranoia) return;
  const other = [...path, 'paranoia'];
  const found = `${detectionParanoia} is below ${report.mention(other)}, ${paranoia}: rules that block count as well`;
  report.problem([...path, 'detectionParanoia'], found, 'raise it, or lower paranoia', [other]);
}

function checkAudit({ audit }: WafConfig, report: Report): void {
  const path: KeyPath = [...ROOT, 'audit'];
  if (audit.path !== '-' || audit.format !== 'native') return;
  const found = 'the log stream holds one JSON object per line';
  report.problem([...path, 'format'], found, 'set format: json, or name a file in waf.audit.path', [[...path, 'path']]);
}

function checkRoute(waf: RouteWafConfig, path: KeyPath, report: Report): void {
  checkLevels(waf, path, report);
  const ranges = [
    ...waf.without.ids.map((text, index) => ({ text, inner: [...path, 'without', 'ids', index] })),
    ...waf.detect.ids.map((text, index) => ({ text, inner: [...path, 'detect', 'ids', index] })),
    ...waf.canary.flatMap(({ ids }, at) =>
      ids.map((text, index) => ({ text, inner: [...path, 'canary', at, 'ids', index] })),
    ),
    ...waf.without.targets.flatMap(({ ids }, at) =>
      ids.map((text, index) => ({ text, inner: [...path, 'without', 'targets', at, 'ids', index] })),
    ),
  ];
  for (const { text, inner } of ranges) {
    const [first = '', last = first] = text.split('-');
    if (Number(first) <= Number(last)) continue;
    report.problem(inner, `${report.show(inner, text)} ends before it begins`, 'write the lower id first');
  }
  for (const [at, { ids, tags }] of waf.canary.entries()) {
    if (ids.length + tags.length > 0) continue;
    report.problem([...path, 'canary', at], 'names no rules', 'give ids or tags, or take it out');
  }
  for (const [at, { ids, tag }] of waf.without.targets.entries()) {
    if (ids.length === 0 || tag === '') continue;
    const inner = [...path, 'without', 'targets', at];
    report.problem([...inner, 'tag'], 'ids and tag together', 'write two entries, one with each', [[...inner, 'ids']]);
  }
}

/** Names in a folder; null where there is none that can be read. */
function namesIn(folder: string): readonly string[] | null {
  try {
    return readdirSync(folder);
  } catch {
    // Absent, a file, of another user: the caller says which path.
    return null;
  }
}

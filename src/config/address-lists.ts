import { parseRange } from '../base/ip-address.ts';
import { readText } from './files.ts';
import type { Report } from './report.ts';
import type { AccessConfig, Config } from './schema.ts';
import { type KeyPath, quote } from './words.ts';

/** A million lines fit; a wrong file is not read into memory. */
const LIST_BYTES_MAX = 33_554_432;
/** Of one file; whoever named a wrong one needs no more to see it. */
const LINES_NAMED_MAX = 10;

/**
 * Reads the files of address lists, and puts their ranges behind those that stand in the configuration.
 *
 * A line holds one address or CIDR range; `#` and what follows it is a comment. What cannot be read is a problem with
 * its line, never passed over: a list that is shorter than it looks lets somebody in, or keeps somebody out.
 *
 * @param config  Filled in, not frozen yet: its lists grow.
 * @throws  Never.
 */
export function readAddressLists(config: Config, report: Report): void {
  readLists(config.access, ['access'], report);
  for (const [index, route] of config.routes.entries()) {
    readLists(route.policies.access, ['routes', index, 'policies', 'access'], report);
  }
}

function readLists(access: AccessConfig, path: KeyPath, report: Report): void {
  for (const [index, file] of access.denyFiles.entries()) {
    access.deny = access.deny.concat(readList(file, [...path, 'denyFiles', index], report));
  }
  for (const [index, file] of access.allowFiles.entries()) {
    const inner = [...path, 'allowFiles', index];
    const ranges = readList(file, inner, report);
    // Without any range to allow, all would be served.
    if (ranges.length === 0)
      report.problem(inner, `${report.show(inner, file)} holds no address`, 'fill it, or remove it here');
    access.allow = access.allow.concat(ranges);
  }
}

function readList(file: string, path: KeyPath, report: Report): string[] {
  if (!report.sound(path)) return [];
  const result = readText(file, LIST_BYTES_MAX);
  if (!result.ok) {
    report.fault(path, `${report.show(path, file)} ${result.found}`, result.remedy);
    return [];
  }
  const ranges: string[] = [];
  const wrong: string[] = [];
  for (const [index, line] of result.text.split(/\r?\n/).entries()) {
    const text = line.split('#', 1)[0]?.trim() ?? '';
    if (text === '') continue;
    if (parseRange(text) === null) wrong.push(`line ${index + 1} has ${quote(text)}`);
    else ranges.push(text);
  }
  for (const found of wrong.slice(0, LINES_NAMED_MAX)) {
    const words = `${report.show(path, file)}: ${found}, not an address or CIDR range`;
    report.problem(path, words, 'write 10.0.0.0/8 or 2001:db8::/32, one a line; # begins a comment');
  }
  const more = wrong.length - LINES_NAMED_MAX;
  if (more > 0)
    report.problem(path, `${report.show(path, file)} has ${more} more such lines`, 'name a list of addresses');
  return ranges;
}

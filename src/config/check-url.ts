import { isLoopback } from './address.ts';
import type { Report } from './report.ts';
import type { KeyPath } from './words.ts';

/** Whoever can change what we read on the way can make tokens that we believe. */
export function checkUrl(text: string, path: KeyPath, report: Report): void {
  if (!report.sound(path)) return;
  if (!URL.canParse(text)) {
    report.problem(path, `${report.show(path, text)} is not a URL`, 'write https://host/path');
    return;
  }
  const url = new URL(text);
  if (url.protocol === 'https:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) return;
  const found = 'plain http: whoever is on the way can say who may call';
  report.warn(path, found, 'use https, or keep it on this machine');
}

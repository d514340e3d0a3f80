import { packageVersion } from '../base/version.ts';

/** `sallyport 0.1.0 (node 20.20.2, linux x64)`: what a bug report needs. */
export function versionLine(): string {
  return `sallyport ${packageVersion()} (node ${process.versions.node}, ${process.platform} ${process.arch})`;
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * A file or folder of the test material that lies beside the project, or where SALLYPORT_SHARED points.
 *
 * @param path  Below that folder: `crs/rules`.
 * @returns  Its path; null where it is not there, and tests that need it say that they are skipped.
 */
export function sharedMaterial(path: string): string | null {
  // dist/test/support -> project root -> beside it.
  const beside = fileURLToPath(new URL('../../../../shared', import.meta.url));
  const whole = `${process.env.SALLYPORT_SHARED ?? beside}/${path}`;
  return existsSync(whole) ? whole : null;
}

/** Words of a skip where the material is absent. */
export const NO_MATERIAL = 'the shared test material is not here (set SALLYPORT_SHARED)';

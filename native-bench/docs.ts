export function newestRun(folder: string): string {
  return folder;
}
export function pageOf(run: unknown, file: string): string {
  return file + String(run);
}

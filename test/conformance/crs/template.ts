/**
 * Expands the one template that the tests use: `{{ "1" | repeat 64200 }}` (Go's text/template with Sprig). Any other
 * pair of braces stays as it is, as go-ftw leaves data that is no template.
 */
export function expandTemplate(data: string): string {
  return data.replaceAll(/\{\{\s*"([^"\\]*)"\s*\|\s*repeat\s+(\d+)\s*\}\}/g, (_, text: string, count: string) =>
    text.repeat(Number(count)),
  );
}

import busboy from 'busboy';
import { SaxesParser } from 'saxes';
import { bytesOf, byteTextOfString } from '../../src/base/byte-text.ts';

/** What busboy reads: `name=value` and `field/file name/content`; null where it refuses. */
export function readByBusboy(type: string, body: string): Promise<string[] | null> {
  return new Promise((resolve) => {
    const found: string[] = [];
    let reader: busboy.Busboy;
    try {
      reader = busboy({
        headers: { 'content-type': type },
        preservePath: true,
        defCharset: 'latin1',
        defParamCharset: 'latin1',
      });
    } catch {
      // Its way of saying that it does not take the type.
      resolve(null);
      return;
    }
    reader.on('field', (name, value) => found.push(`${name}=${value}`));
    reader.on('file', (name, stream, { filename }) => {
      const index = found.push('') - 1;
      let content = '';
      stream.on('data', (chunk: Buffer) => {
        content += chunk.toString('latin1');
      });
      stream.on('error', () => resolve(null));
      stream.on('end', () => {
        found[index] = filename ? `${name}/${filename}/${content}` : `${name}=${content}`;
      });
    });
    reader.on('error', () => resolve(null));
    reader.on('close', () => resolve(found));
    reader.end(bytesOf(body));
  });
}

export interface XmlFound {
  readonly texts: readonly string[];
  readonly attributes: readonly string[];
}

/** What saxes reads, as byte text; null where it refuses, or where there is a DOCTYPE. */
export function readBySaxes(body: string): XmlFound | null {
  const parser = new SaxesParser({ xmlns: false });
  const texts: string[] = [];
  const attributes: string[] = [];
  let node = '';
  let isRefused = false;
  const endNode = (): void => {
    if (/[^ \t\n\r]/.test(node)) texts.push(byteTextOfString(node));
    node = '';
  };
  parser.on('error', () => {
    isRefused = true;
  });
  parser.on('doctype', () => {
    isRefused = true;
  });
  parser.on('text', (text) => {
    node += text;
  });
  parser.on('cdata', (text) => {
    node += text;
  });
  parser.on('opentag', (tag) => {
    endNode();
    for (const value of Object.values(tag.attributes)) attributes.push(byteTextOfString(value));
  });
  parser.on('closetag', endNode);
  parser.write(bytesOf(body).toString('utf8')).close();
  return isRefused ? null : { texts, attributes };
}

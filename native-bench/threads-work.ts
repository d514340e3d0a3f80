/** Work that is nothing beside the way to it. @returns  Bytes of the body. */
export function lookAt(body: Uint8Array): number {
  return body[0] === 0x7b && body[body.length - 1] === 0x7d ? body.length : 0;
}

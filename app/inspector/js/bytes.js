// Bytes from base64, packed or not.

/** @param {string} base64 */
export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// Numbers up to `most`: of one byte each, or of two where that is too little.
/** @param {Uint8Array<ArrayBuffer>} bytes @param {number} most @returns {Labels} */
export const numbersOf = (bytes, most) => (most > 255 ? new Uint16Array(bytes.buffer) : bytes);

/** @param {string} base64 */
export async function inflate(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

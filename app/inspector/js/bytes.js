// Bytes from base64, packed or not.

export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// Numbers up to `most`: of one byte each, or of two where that is too little.
export const numbersOf = (bytes, most) => (most > 255 ? new Uint16Array(bytes.buffer) : bytes);

export async function inflate(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// What the frame socket says: the binary header of viewer/protocol.py, and the parts of a picture put together.

export const HEADER_BYTES = 52;
export const PREVIEW = 1;
export const WINDOW = 2;
export const PREFETCHED = 4;
export const PNG = 8;
export const PARTIAL = 16;

/** @typedef {{flags: number, viewport: number, seq: number, width: number, height: number,
 *   fullWidth: number, fullHeight: number, ms: number, center: number, windowWidth: number,
 *   total: number, offset: number}} Header */

/** @param {ArrayBuffer} buffer @returns {Header | null} null for a version this page does not know */
export function headerRead(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES || view.getUint8(0) !== 1) return null;
  return {
    flags: view.getUint8(1),
    viewport: view.getUint16(2, true),
    seq: view.getUint32(4, true),
    width: view.getUint32(8, true),
    height: view.getUint32(12, true),
    fullWidth: view.getUint32(16, true),
    fullHeight: view.getUint32(20, true),
    ms: view.getFloat32(24, true),
    center: view.getFloat64(28, true),
    windowWidth: view.getFloat64(36, true),
    total: view.getUint32(44, true),
    offset: view.getUint32(48, true),
  };
}

/** Puts the parts of pictures together. Parts of one picture come in order, those of two may alternate. */
export class Assembly {
  #open = new Map(); // seq -> parts so far

  /** @param {Header} header @param {ArrayBuffer} buffer @returns {Uint8Array[] | null} the picture when it is whole */
  add(header, buffer) {
    const part = new Uint8Array(buffer, HEADER_BYTES);
    if (part.length === header.total) return [part];
    const parts = this.#open.get(header.seq) ?? [];
    parts.push(part);
    this.#open.set(header.seq, parts);
    if (header.offset + part.length < header.total) return null;
    this.#open.delete(header.seq);
    return parts;
  }
}

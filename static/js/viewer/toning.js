// A picture whose window changes again and again. Its steps (what each pixel is, whatever the window) are fetched
// once; then a window is one small table of the server's: the pixels are those of its lossless picture, and nothing
// is encoded, sent or decoded but the table.

import { pictureKey } from './bitmaps.js';

const STAMP = 8; // bytes before each part, the same for the same file
export const STEPS = 62; // the viewport number steps travel under

/** Whether what is asked for is a part to make a picture from, and no picture. */
export function isPart(ask) {
  return ask.quality === 'steps' || ask.quality === 'table';
}

/** The greys of one picture. */
class Greys {
  /** @param {Uint8Array} part the stamp, then the steps row by row: 16 bits, little-endian as all browsers are */
  constructor(key, part, width, height) {
    this.key = key;
    this.stamp = String(part.subarray(0, STAMP));
    this.steps = new Uint16Array(part.buffer, part.byteOffset + STAMP);
    this.canvas = new OffscreenCanvas(width, height);
    this.context = this.canvas.getContext('2d', { alpha: false });
    this.image = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  /** @param {Uint8Array} table the grey of each step */
  tone(table) {
    const { steps, words } = this;
    const colours = new Uint32Array(table.length);
    for (let step = 0; step < table.length; step += 1) colours[step] = 0xff000000 | (table[step] * 0x010101);
    for (let pixel = 0; pixel < steps.length; pixel += 1) words[pixel] = colours[steps[pixel]];
    this.context.putImageData(this.image, 0, 0);
    return this.canvas;
  }
}

export class Toning {
  #greys = null;
  #without = new Set(); // pictures that are more than their greys

  /** @param {() => import('./frames.js').Frames} frames */
  constructor(frames) {
    this.frames = frames;
  }

  clear() {
    this.#greys = null;
  }

  /** The quickest way to what is asked for: as a table when the steps are here; else as it is, and they are sent for. */
  quickest(ask) {
    const key = keyOf(ask);
    if (this.#greys?.key === key) return { ...ask, quality: 'table' };
    const frames = this.frames();
    // From far away steps would take longer than they save.
    if (frames.near && !this.#without.has(key) && !frames.expects(STEPS, key)) frames.want(STEPS, { ...bare(ask), taker: this });
    return ask;
  }

  /** The picture of a table, or null when its steps are gone or those of another file. */
  toned(ask, { parts, header }) {
    const table = joined(parts);
    if (this.#greys?.key !== keyOf(ask)) return null;
    if (this.#greys.stamp === String(table.subarray(0, STAMP))) {
      return { bitmap: this.#greys.tone(table.subarray(STAMP)), header };
    }
    this.clear();
    return null;
  }

  /** Steps came. */
  take(ask, { parts, header }) {
    this.#greys = new Greys(keyOf(ask), joined(parts), header.width, header.height);
  }

  refuse(ask) {
    if (this.#greys?.key === keyOf(ask)) this.#greys = null;
    this.#without.add(keyOf(ask));
  }
}

/** What its steps depend on: not the window. */
function bare(ask) {
  return { ...ask, voi: null, invert: false, quality: 'steps' };
}

function keyOf(ask) {
  return pictureKey(bare(ask));
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

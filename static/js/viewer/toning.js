// A picture whose window changes again and again. Its steps (what each pixel is, whatever the window) are fetched
// once; then a window is one small table of the server's: the pixels are those of its lossless picture, and nothing
// is encoded, sent or decoded but the table.

import { pictureKey } from './bitmaps.js';

export const STEPS = 62; // the viewport number steps travel under

/** Whether what is asked for is a part to make a picture from, and no picture. */
export function isPart(ask) {
  return ask.quality === 'steps' || ask.quality === 'table';
}

/** The greys of one picture. */
class Greys {
  /** @param {Uint16Array} steps row by row */
  constructor(key, steps, width, height) {
    this.key = key;
    this.steps = steps;
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

  /** The picture of a table, or null when its steps are gone. */
  toned(ask, { parts, header }) {
    if (this.#greys?.key !== keyOf(ask)) return null;
    return { bitmap: this.#greys.tone(parts[0]), header };
  }

  /** Steps came. */
  take(ask, { parts, header }) {
    this.#greys = new Greys(keyOf(ask), numbers(parts), header.width, header.height);
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

/** Little-endian, as everything a browser runs on. */
function numbers(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint16Array(whole.buffer);
}

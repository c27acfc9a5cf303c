// A stack of planes nobody took: axial, coronal or sagittal through the volume that the images of another stack make.
// It is shown, scrolled and measured as any stack; what it shows is worked out by the server.

import { figure, word } from '../words.js';

const ONE = ['mean', 0]; // one plane, no slab
// What is true of the images is true of their planes; where they lie and how large they are is their own.
const KEPT = ['windows', 'voiFunction', 'samples', 'bits', 'rescaleType', 'lossy', 'lossyRatio', 'kvp', 'current', 'kernel', 'when'];

export class Reformatted {
  #shared;
  #size = null; // as the server shows it

  /** @param {import('../stack.js').Stack} source @param {{name: string, planes: object}} volume as the server tells
   *  @param {'axial' | 'coronal' | 'sagittal'} plane @param {'mean' | 'mip' | 'minip'} slab @param {number} thickness mm */
  constructor(source, volume, plane, slab = ONE[0], thickness = ONE[1]) {
    Object.assign(this, { source, volume, plane, slab, thickness });
    this.cut = volume.planes[plane];
    this.key = source.key;
    this.study = source.study;
    this.series = source.series;
    this.length = this.cut.offsets.length;
    this.images = [];
    this.multiFrame = false;
    this.located = true;
    this.frameTime = null;
    this.frameTimes = null;
    const { columns, rows, spacing, orientation, letters } = this.cut;
    const told = source.facts(source.length >> 1);
    this.#shared = Object.fromEntries(KEPT.filter((name) => name in told).map((name) => [name, told[name]]));
    Object.assign(this.#shared, { columns, rows, spacing, orientation, letters, frames: this.length, spacingBasis: 'pixel' });
    Object.assign(this.#shared, { full: [columns, rows], thickness: thickness || spacing[0] });
  }

  /** Where its planes lie is known from the beginning, see Stack. */
  async locate() {
    return false;
  }

  /** The same planes, as thick and shown as this. */
  with(slab, thickness) {
    return new Reformatted(this.source, this.volume, this.plane, slab, thickness);
  }

  /** What the server knows its planes by, see viewer/reformat_name.py. */
  get name() {
    const tenths = Math.round(this.thickness * 10);
    return `${this.volume.name}.${this.plane}.${tenths ? this.slab : ONE[0]}.${tenths}`;
  }

  /** What it is, in words. */
  get badges() {
    const slab = this.thickness ? word(`slab-${this.slab}`, { n: figure(this.thickness, 1) }) : '';
    return { plane: `${word('reformat')} · ${word(`plane-${this.plane}`)}`, slab };
  }

  at(index) {
    return { instance: this.name, frame: index + 1, image: this.#shared };
  }

  facts(index) {
    const { corner, forward, offsets } = this.cut;
    const position = corner.map((part, axis) => part + forward[axis] * offsets[index]);
    const axis = { sagittal: 0, coronal: 1, axial: 2 }[this.plane];
    return { ...this.#shared, position, location: position[axis] };
  }

  sizeAt() {
    return this.#size ?? { width: this.cut.columns, height: this.cut.rows };
  }

  learnSize(_, { fullWidth, fullHeight }) {
    this.#size = { width: fullWidth, height: fullHeight };
  }

  indexOf(instance, frame = 1) {
    return instance === this.name ? Math.min(Math.max(frame, 1), this.length) - 1 : -1;
  }
}

// A stack: the frames that scroll in one viewport, in reading order, and what is true of each.

import { background } from '../session.js';

export class Stack {
  #shared;
  #starts;
  #sizes = new Map(); // as the page says -> as the server shows it
  #places = null; // of the frames of a multi-frame image, where they are known
  #locating = null;

  /** @param {{key: string, series: object, facts: object, images: object[]}} record as the page carries it */
  constructor(record) {
    this.key = record.key;
    this.series = record.series;
    this.images = record.images;
    this.#shared = record.facts;
    this.#starts = [];
    let count = 0;
    for (const image of record.images) {
      this.#starts.push(count);
      count += image.frames;
    }
    this.length = count;
  }

  /** The image and the frame (1-based, as in DICOM) at a place in the stack. */
  at(index) {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= index) low = middle;
      else high = middle - 1;
    }
    const image = this.images[low];
    return { instance: image.id, frame: index - this.#starts[low] + 1, image };
  }

  /** What is true of the image at a place: what the whole stack shares, and its own. */
  facts(index) {
    return { ...this.#shared, ...this.at(index).image, ...this.#places?.[index] };
  }

  /** Whether the facts tell of each image where it lies, as far as anybody knows. */
  get located() {
    return !this.multiFrame || this.#places !== null;
  }

  /** Learn where each frame of a multi-frame image lies. @returns {Promise<boolean>} whether that is news */
  locate() {
    this.#locating ??= this.#learn();
    return this.#locating;
  }

  async #learn() {
    if (this.located || !this.facts(0).position) return false;
    const answer = await background(`${this.study.places}${this.at(0).instance}/`);
    if (answer?.ok) this.#places = (await answer.json()).frames;
    else this.#locating = null; // asked again when it is shown again
    return this.located;
  }

  /** Size of the whole frame in square pixels: as the server showed one like it, else as the page says. */
  sizeAt(index) {
    const facts = this.facts(index);
    const [width, height] = facts.full ?? [512, 512];
    return this.#sizes.get(likeness(facts)) ?? { width, height };
  }

  /**
   * A picture of the frame came: where the page was wrong about the frame's shape, the picture is right. Pixels that
   * are not square are made square by averaging, so the side that has too many shrinks.
   */
  learnSize(index, { width, height, fullWidth, fullHeight }) {
    const known = this.sizeAt(index);
    const scale = width / known.width;
    if (scale <= 1 && Math.abs(known.height * scale - height) <= 1) return;
    const shape = width / height;
    const size =
      shape < fullWidth / fullHeight
        ? { width: Math.max(1, Math.round(fullHeight * shape)), height: fullHeight }
        : { width: fullWidth, height: Math.max(1, Math.round(fullWidth / shape)) };
    this.#sizes.set(likeness(this.facts(index)), size);
  }

  indexOf(instance, frame = 1) {
    const place = this.images.findIndex((image) => image.id === instance);
    if (place < 0) return -1;
    return this.#starts[place] + Math.min(Math.max(frame, 1), this.images[place].frames) - 1;
  }

  /** Milliseconds a frame of a multi-frame image is to be shown; null when it is not a film. */
  get frameTime() {
    const facts = this.facts(0);
    if (this.images.length !== 1 || facts.frames < 2) return null;
    return facts.frameTime || 1000 / 15;
  }

  /** How long each frame stands, in milliseconds; null where all stand alike. */
  get frameTimes() {
    const { frameTimes } = this.facts(0);
    return this.images.length === 1 && frameTimes?.length === this.length ? frameTimes : null;
  }

  get multiFrame() {
    return this.images.length === 1 && this.length > 1;
  }
}

function likeness(facts) {
  return `${facts.columns}x${facts.rows}:${facts.full}`;
}

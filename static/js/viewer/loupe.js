// A magnifier under the pointer: the pixels as they are stored, each a square of its own.

import { pictureKey } from './bitmaps.js';
import { matrixOf } from './turns.js';

const LOUPE = 63; // the viewport number its pictures travel under
const RADIUS = 110;
const LEAST = 2; // screen pixels to a stored one

export class Loupe {
  #on = null; // {viewport, ask, picture, x, y}

  /** @param {import('./bitmaps.js').Bitmaps} bitmaps */
  constructor(bitmaps) {
    this.bitmaps = bitmaps;
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'loupe';
    this.canvas.width = this.canvas.height = RADIUS * 2;
  }

  press(viewport, x, y) {
    const { shown } = viewport;
    if (!shown) return;
    const { width, height } = viewport.full;
    const ask = { ...shown.ask, size: [width, height], quality: 'settled', passing: false, invert: viewport.invert, taker: this };
    this.#on = { viewport, ask, picture: this.bitmaps.get(pictureKey(ask)) ?? null, x, y };
    if (!this.#on.picture) viewport.frames.want(LOUPE, ask);
    viewport.element.append(this.canvas);
    this.move(x, y);
  }

  /** The picture that was asked for. It is kept as any other. */
  take(ask, picture) {
    this.bitmaps.put(pictureKey(ask), picture);
    if (!this.#on || this.#on.ask !== ask) return;
    this.#on.picture = picture;
    this.#draw();
  }

  /** There is no such picture: what is on the screen is magnified. */
  refuse() {}

  move(x, y) {
    if (!this.#on) return;
    Object.assign(this.#on, { x, y });
    this.canvas.style.transform = `translate(${x - RADIUS}px, ${y - RADIUS}px)`;
    this.#draw();
  }

  up() {
    this.#on = null;
    this.canvas.remove();
  }

  #draw() {
    const { viewport, picture, x, y } = this.#on;
    const context = this.canvas.getContext('2d', { alpha: false });
    context.resetTransform();
    context.fillStyle = '#000';
    context.fillRect(0, 0, RADIUS * 2, RADIUS * 2);
    const place = viewport.placeAt(x, y);
    const { bitmap } = picture ?? viewport.shown ?? {};
    if (!place || !bitmap) return;
    const { columns, rows } = viewport.facts;
    const zoom = Math.max(LEAST, Math.ceil(viewport.scale * 2)) * (viewport.full.width / bitmap.width);
    context.imageSmoothingEnabled = false;
    context.setTransform(...matrixOf(viewport.view).map((part) => part * zoom), RADIUS, RADIUS);
    context.drawImage(bitmap, (-place[0] * bitmap.width) / columns, (-place[1] * bitmap.height) / rows);
  }
}

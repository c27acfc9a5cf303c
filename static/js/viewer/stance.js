// How a picture stands in its viewport: its size, its place, what lies under a point; zoom, pan, turn and flip.

import { applied, fitScale, inverse, panned, scaleOf, transform, wholeView, zoomed } from './geometry.js';
import { flippedAcross, flippedDown, rotated } from './turns.js';

/** What a viewport is built on. It has `stack`, `shown`, `index`, `stage` and `view`, and `look` takes another view. */
export class Stance {
  /** Size of the whole frame on the screen (or wanted there) in pixels, aspect corrected. */
  get full() {
    return this.stack ? this.stack.sizeAt(this.shown?.index ?? this.index) : { width: 512, height: 512 };
  }

  get scale() {
    return scaleOf(this.view, this.full, this.stage);
  }

  /** From stored pixels to the viewport, see `transform`; null while nothing is shown. */
  get matrix() {
    if (!this.shown) return null;
    const { columns, rows } = this.facts;
    return columns && rows ? transform(this.view, this.full, this.stage, { columns, rows }) : null;
  }

  /** The place in the stored frame under (x, y), in pixels and parts of them; null while nothing is shown. */
  placeAt(x, y) {
    const { matrix } = this;
    return matrix && applied(inverse(matrix), x, y);
  }

  /** The stored pixel under (x, y), or null outside. */
  pixelAt(x, y) {
    const place = this.placeAt(x, y);
    if (!place) return null;
    const [column, row] = place.map(Math.floor);
    const { columns, rows } = this.facts;
    return column >= 0 && row >= 0 && column < columns && row < rows ? { column, row } : null;
  }

  get fitScale() {
    return fitScale(this.view, this.full, this.stage);
  }

  zoomTo(scale, x = this.stage.width / 2, y = this.stage.height / 2) {
    this.look(zoomed(this.view, this.full, this.stage, scale, x, y));
  }

  panBy(dx, dy) {
    this.look(panned(this.view, this.full, this.stage, dx, dy));
  }

  fit() {
    this.look(wholeView());
  }

  oneToOne() {
    this.zoomTo(1 / this.stage.ratio);
  }

  rotate(quarters) {
    this.look(rotated(this.view, quarters));
  }

  flip(down = false) {
    this.look(down ? flippedDown(this.view) : flippedAcross(this.view));
  }
}

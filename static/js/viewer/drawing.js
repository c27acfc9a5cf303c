// All that is drawn by a person on this page, and the pen that draws it.

import { drawsOwn } from './measure/layer.js';
import { Own } from './measure/own.js';
import { Pen } from './measure/pen.js';
import { SHAPES, linesOf } from './measure/shapes.js';
import { askText } from './measure/text.js';
import { labelOf } from './measure/words.js';
import { word } from './words.js';

const REGIONS = new Set(['rectangle', 'ellipse']);
const BARE = new Set(['length', 'probe']); // ticks and crosses are sizes of a screen, not of an image

export class Drawing {
  #request = 0;

  /** @param {import('./layout/grid.js').Grid} grid @param {() => void} changed the list of marks */
  constructor(grid, changed) {
    this.grid = grid;
    this.own = new Own({ changed, drawn: () => this.#drawSoon() });
    this.pen = new Pen(this.own, { ask: (viewport, point, then) => askText(viewport, point, word('text-label'), then) });
  }

  follow({ viewport }) {
    drawsOwn(viewport, this.own);
  }

  /** Once a frame of the screen, whatever asks for it. */
  #drawSoon() {
    if (this.#request) return;
    this.#request = requestAnimationFrame(() => {
      this.#request = 0;
      for (const { viewport } of this.grid.screens) viewport.marks.redraw('own');
    });
  }

  /** The window a region asks for: the chosen one, else the last that was drawn on the image shown. */
  regionWindow({ shown }) {
    if (!shown) return null;
    const here = this.own.on(shown.ask.instance, shown.ask.frame).filter((mark) => REGIONS.has(mark.shape));
    const mark = here.find(({ key }) => key === this.own.selected) ?? here.at(-1);
    const window = mark && this.own.resultOf(mark)?.window;
    return window ? { center: window[0], width: window[1] } : null;
  }

  /** The marks on a frame as a presentation state holds them: lines and words in stored pixels. */
  saved(instance, frame) {
    const marks = this.own.on(instance, frame);
    const graphics = marks.flatMap(({ shape, places }) =>
      (BARE.has(shape) ? [places] : linesOf(shape, places, (column, row) => [column, row]))
        .filter((points) => points.length)
        .map((points) => ({ shape: points.length > 1 ? 'POLYLINE' : 'POINT', points })),
    );
    const texts = marks.flatMap((mark) => {
      const result = ['text', 'arrow'].includes(mark.shape) ? null : this.own.resultOf(mark);
      const { lines } = labelOf(mark, this.own.nameOf(mark, SHAPES[mark.shape].letter), result);
      return lines.length ? [{ text: lines.join('\n'), anchor: mark.places.at(-1) }] : [];
    });
    return { graphics, texts };
  }

  removeChosen() {
    this.own.remove(this.own.selected);
  }
}

// What is drawn over a picture: one SVG above the canvas, a group for each kind of mark.
//
// A kind is drawn anew when the picture is another one or lies elsewhere, never because its greys changed: windowing
// and cine with nothing to draw cost nothing here.

import { applied } from './geometry.js';

const SVG = 'http://www.w3.org/2000/svg';

/** @typedef {(group: SVGGElement, project: (column: number, row: number) => [number, number]) => void} Drawer */

export class Marks {
  #kinds = new Map(); // name -> {group, draw}
  #drawn = {}; // what the marks on the screen were drawn for

  constructor(viewport, svg) {
    this.viewport = viewport;
    this.svg = svg;
  }

  /** A kind of mark, above those that are there. `draw` fills the empty group; `project` leads from stored pixels
   *  to the viewport. It is called only while a picture is shown. @param {Drawer} draw */
  add(name, draw) {
    const group = element('g', { 'data-marks': name });
    this.svg.append(group);
    this.#kinds.set(name, { group, draw });
    this.redraw(name);
  }

  remove(name) {
    this.#kinds.get(name)?.group.remove();
    this.#kinds.delete(name);
  }

  /** The picture was painted. */
  follow() {
    if (!this.#kinds.size) return;
    const { view, stage, shown } = this.viewport;
    const { width, height } = this.viewport.full;
    const now = { view, stage, instance: shown?.ask.instance, frame: shown?.ask.frame, width, height };
    if (Object.keys(now).every((part) => now[part] === this.#drawn[part])) return;
    this.#drawn = now;
    this.redraw();
  }

  /** What there is to draw changed: of one kind, or of all. */
  redraw(name) {
    const { matrix } = this.viewport;
    const project = (column, row) => applied(matrix, column, row);
    for (const [kind, { group, draw }] of this.#kinds) {
      if (name && kind !== name) continue;
      if (group.firstChild) group.replaceChildren();
      if (matrix) draw(group, project);
    }
  }
}

/** An element of SVG. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

// Reference lines: in each viewport, where the slices of the others cut its own.

import { element } from '../marks.js';
import { crossing, planeOf } from './planes.js';

export class Lines {
  #request = 0;
  on = false;

  /** @param {import('./grid.js').Grid} grid */
  constructor(grid) {
    this.grid = grid;
  }

  toggle() {
    this.on = !this.on;
    for (const screen of this.grid.screens) this.follow(screen);
    return this.on;
  }

  /** A viewport came, or goes on or off with the others. */
  follow({ viewport }) {
    if (this.on) viewport.marks.add('lines', (group, project) => this.#draw(viewport, group, project));
    else viewport.marks.remove('lines');
  }

  /** Another slice is shown somewhere: drawn with the next frame of the screen, once for all that moved. */
  moved() {
    if (!this.on || this.#request || this.grid.screens.length < 2) return;
    this.#request = requestAnimationFrame(() => {
      this.#request = 0;
      for (const { viewport } of this.grid.screens) viewport.marks.redraw('lines');
    });
  }

  #draw(viewport, group, project) {
    const own = shownPlane(viewport);
    if (!own) return;
    for (const { viewport: other } of this.grid.screens) {
      const plane = other !== viewport && sameSpace(viewport, other) ? shownPlane(other) : null;
      const line = plane && crossing(own, plane);
      if (line) group.append(...drawn(line.map((place) => project(...place)), other));
    }
  }
}

/** Whether positions in both are told from the same origin, PS3.3 C.7.4.1. */
export function sameSpace(one, other) {
  const reformat = one.stack?.source ?? other.stack?.source; // planes and images of one series, whatever it says
  if (reformat && one.stack?.series === other.stack?.series) return true;
  const frame = one.stack?.series.frameOfReference;
  return Boolean(frame) && frame === other.stack?.series.frameOfReference && one.stack.study.patient === other.stack.study.patient;
}

function shownPlane(viewport) {
  return viewport.shown && viewport.stack.located ? planeOf(viewport.facts) : null;
}

function drawn([[x0, y0], [x1, y1]], other) {
  const ends = { x1: x0.toFixed(1), y1: y0.toFixed(1), x2: x1.toFixed(1), y2: y1.toFixed(1) };
  const [x, y] = x0 > x1 ? [x0, y0] : [x1, y1];
  const number = element('text', { x: (x - 4).toFixed(1), y: (y - 5).toFixed(1), class: 'line-number' }, String(other.shown.index + 1));
  return [element('line', { ...ends, class: 'reference-ground' }), element('line', { ...ends, class: 'reference' }), number];
}
